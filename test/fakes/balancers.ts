import type { Balancers, RegistrationState } from '../../src/adapters/autoscaling/balancers.js'
import type { Registration } from '../../src/adapters/autoscaling/entries.js'

export interface FakeBalancers extends Balancers {
  /** Registrations and how they are, by `balancer target:port`. */
  readonly known: Map<string, { readonly registration: Registration; state: RegistrationState }>
  /** What was asked for, e.g. `register api i-1:80`. */
  readonly asked: string[]
  refuse: (asked: string) => void
  /** Keys of those that never become healthy. */
  readonly ill: Set<string>
  /** Balancers that were deleted. */
  readonly gone: Set<string>
  /** Answers for which something drains, or becomes healthy. */
  delay: number
  add(balancer: string, instance: string, port: number): void
}

/** Target groups whose targets take a while to drain and to become healthy. */
export function createFakeBalancers(): FakeBalancers {
  const known: FakeBalancers['known'] = new Map()
  const goals = new Map<string, { readonly state: RegistrationState; left: number }>()
  const asked: string[] = []
  const keyOf = ({ balancer, target, port }: Registration) => `${balancer} ${target}:${port}`

  async function move(what: string, registrations: readonly Registration[], state: RegistrationState) {
    await Promise.resolve()
    const text = `${what} ${registrations.map(keyOf).join(' ')}`
    asked.push(text)
    fake.refuse(text)
    for (const registration of registrations) {
      const key = keyOf(registration)
      if (known.get(key)?.state === state) continue
      known.set(key, { registration, state: 'between' })
      goals.set(key, { state, left: fake.delay })
    }
  }

  const fake: FakeBalancers = {
    kind: 'target',
    name: 'the target group api',
    known,
    asked,
    refuse: () => undefined,
    gone: new Set(),
    ill: new Set(),
    delay: 2,
    add(balancer, instance, port) {
      const registration = { balancer, instance, target: instance, port }
      known.set(keyOf(registration), { registration, state: 'in' })
    },
    async registrations(hosts) {
      await Promise.resolve()
      return [...known.values()]
        .filter(
          ({ registration, state }) =>
            state !== 'out' && hosts.some(({ instance }) => instance === registration.instance),
        )
        .map(({ registration }) => registration)
    },
    async states(registrations) {
      await Promise.resolve()
      for (const [key, goal] of goals) {
        const found = known.get(key)
        if (goal.left-- > 0 || found === undefined) continue
        if (goal.state === 'in' && fake.ill.has(key)) continue
        found.state = goal.state
        goals.delete(key)
      }
      return registrations.map((registration) => {
        const state = known.get(keyOf(registration))?.state ?? 'out'
        return {
          state,
          said: { in: 'healthy', between: 'unhealthy (Target.Timeout)', out: 'not registered' }[state],
        }
      })
    },
    async register(registrations) {
      if (registrations.some(({ balancer }) => fake.gone.has(balancer))) return false
      await move('register', registrations, 'in')
      return true
    },
    deregister: (registrations) => move('deregister', registrations, 'out'),
  }
  return fake
}
