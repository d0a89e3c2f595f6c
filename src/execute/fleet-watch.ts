import { messageOf } from '../errors.js'
import type { HostStep } from '../plan/types.js'
import type { Host } from '../ports.js'
import type { Probed } from './facts.js'
import type { Run } from './run.js'

/** A host that takes part: what it told when it was probed, and what will be done to it. */
export interface Member {
  readonly probed: Extract<Probed, { kind: 'ready' }>
  readonly step: HostStep
}

/** What became of the fleet since it was last asked. */
export interface FleetChange {
  readonly gone: readonly string[]
  readonly joined: readonly Member[]
  /** Joined hosts that can't be deployed to. */
  readonly unfit: readonly {
    readonly host: string
    readonly because: string
    readonly unreachable?: true
  }[]
}

interface Joining {
  readonly host: Host
  readonly probed: Probed
  readonly step?: HostStep
}

const unchanged: FleetChange = { gone: [], joined: [], unfit: [] }

/** Ms for an answer that the end of a rollout hangs on, and between tries, growing. */
const patience = 60_000
const firstPause = 1_000
const longestPause = 10_000

/** A fleet that never stops changing must not keep a rollout from ending: after so many changes it isn't asked again. */
const mostChanges = 50

/** Asks the fleet again while a rollout is under way, and tells what changed since the last time. */
export class FleetWatch {
  readonly #ask: () => Promise<readonly Host[]>
  readonly #join: (host: Host) => Promise<{ readonly probed: Probed; readonly step?: HostStep }>
  #known: Map<string, string>
  /** Joined hosts that could not be reached: a server is often in service before its sshd is. Asked again at the end. */
  readonly #later = new Set<string>()
  #changes = 0

  constructor(options: {
    readonly known: readonly Host[]
    readonly ask: () => Promise<readonly Host[]>
    /** Connects to a new host, reads it, and plans its step. */
    readonly join: (host: Host) => Promise<{ readonly probed: Probed; readonly step?: HostStep }>
  }) {
    this.#known = byIdentity(options.known)
    this.#ask = options.ask
    this.#join = options.join
  }

  /** Who left since the last time; who came is for the next `refresh`. */
  async gone(run: Run): Promise<readonly string[]> {
    const hosts = await this.#hosts(run, { insist: false })
    return 'unanswered' in hosts ? [] : this.#leave(hosts)
  }

  /**
   * `insist`: asks for up to a minute, the fleet and those of its new hosts that can't be reached; else these are for later. A fleet
   * that doesn't answer is what it was.
   */
  async refresh(
    run: Run,
    { insist }: { readonly insist: boolean },
  ): Promise<FleetChange | { readonly unanswered: string }> {
    if (this.#changes >= mostChanges) return unchanged
    const hosts = await this.#hosts(run, { insist })
    if ('unanswered' in hosts) return hosts
    const gone = this.#leave(hosts)
    const fresh = hosts.filter((host) => {
      const identity = identityOf(host)
      return !this.#known.has(identity) && (insist || !this.#later.has(identity))
    })
    if (fresh.length === 0) return { ...unchanged, gone }
    this.#changes++
    for (const host of fresh) this.#known.set(identityOf(host), host.name)
    const results = await this.#joinAll(run, fresh, insist)
    const joined: Member[] = []
    const unfit: { host: string; because: string; unreachable?: true }[] = []
    const lost = await this.#lostMeanwhile(run, results)
    for (const { host, probed, step } of results) {
      if (lost.includes(host.name)) continue
      if (isNotThereYet(probed) && !insist) {
        this.#later.add(identityOf(host))
        this.#known.delete(identityOf(host))
        const text = `joined during the deploy, and can't be reached yet: ${probed.because}`
        run.reporter.event({ type: 'warning', host: host.name, text })
        continue
      }
      if (probed.kind === 'ready' && step !== undefined) joined.push({ probed, step })
      else if (probed.kind === 'unfit')
        unfit.push({
          host: host.name,
          because: probed.because,
          ...(isNotThereYet(probed) ? { unreachable: true } : {}),
        })
      else unfit.push({ host: host.name, because: 'no step' })
    }
    return { gone: [...gone, ...lost], joined, unfit }
  }

  /** `insist`: those that can't be reached are tried for up to a minute. */
  async #joinAll(run: Run, hosts: readonly Host[], insist: boolean): Promise<readonly Joining[]> {
    const join = async (host: Host): Promise<Joining> => ({ host, ...(await this.#join(host)) })
    const end = run.clock.now() + (insist ? patience : 0)
    let results = await Promise.all(hosts.map(join))
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      const out = results.some(({ probed }) => isNotThereYet(probed))
      if (!out || run.stop.aborted || run.lost.aborted || run.clock.now() + pause > end) return results
      await run.clock.sleep(pause, AbortSignal.any([run.stop, run.lost])).catch(() => undefined)
      results = await Promise.all(
        results.map(async (each) => (isNotThereYet(each.probed) ? join(each.host) : each)),
      )
    }
  }

  /** A host that came and went, or that is another one by now, has not failed. */
  async #lostMeanwhile(
    run: Run,
    results: readonly { readonly probed: Probed }[],
  ): Promise<readonly string[]> {
    const swapped = results.flatMap(({ probed }) =>
      probed.kind === 'unfit' && probed.swapped === true ? [probed.host.name] : [],
    )
    const unfit = results.filter(({ probed }) => probed.kind === 'unfit')
    return unfit.length === swapped.length ? swapped : [...swapped, ...(await this.gone(run))]
  }

  async #hosts(
    run: Run,
    { insist }: { readonly insist: boolean },
  ): Promise<readonly Host[] | { readonly unanswered: string }> {
    const end = run.clock.now() + (insist ? patience : 0)
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        return await this.#ask()
      } catch (error) {
        const unanswered = messageOf(error)
        run.reporter.event({ type: 'warning', text: `the fleet could not be asked again: ${unanswered}` })
        if (run.stop.aborted || run.lost.aborted || run.clock.now() + pause > end) return { unanswered }
        await run.clock.sleep(pause, AbortSignal.any([run.stop, run.lost])).catch(() => undefined)
      }
    }
  }

  #leave(hosts: readonly Host[]): readonly string[] {
    const now = byIdentity(hosts)
    const gone = [...this.#known].filter(([identity]) => !now.has(identity))
    for (const [identity] of gone) this.#known.delete(identity)
    return gone.map(([, name]) => name)
  }
}

function isNotThereYet(probed: Probed): probed is Extract<Probed, { kind: 'unfit' }> {
  return probed.kind === 'unfit' && probed.transient === true
}

/** An address that another server got is not the same host, and neither is a name with another address. */
export function identityOf(host: Host): string {
  return JSON.stringify([host.name, host.address, host.port ?? null, host.instance ?? null])
}

function byIdentity(hosts: readonly Host[]): Map<string, string> {
  return new Map(hosts.map((host) => [identityOf(host), host.name]))
}
