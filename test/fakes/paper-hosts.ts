import { HostLink } from '../../src/execute/link.js'
import type { RunHost } from '../../src/execute/run.js'
import type { Host, Transport } from '../../src/ports.js'
import { codes, type Answer, type Fact } from '../../src/remote/answers.js'
import type { AgentCall } from '../../src/remote/wire.js'

/** What goes wrong on a host, decided beforehand. */
export interface Faults {
  /**
   * `lost`: the switch happens, and so does the restart, but the answer never comes. `late`: the host was frozen and hears the call
   * `hearsAfter` calls later, or when the test says so.
   */
  readonly activate: 'works' | 'refuses' | 'lost' | 'late'
  /** Whether the new release runs well. */
  readonly healthy: boolean
  readonly confirm: 'works' | 'refuses' | 'lost'
  readonly revert: 'works' | 'refuses'
  /** Whether what it ran before runs well again. */
  readonly healthyBefore: boolean
  readonly hearsAfter: number
  /** So many calls of the switch are heard late. */
  readonly lateCalls: 1 | 2
  /** Calls after which it never answers again. */
  readonly diesAfter: number | undefined
}

/** Agent calls to hosts that are only values: quick enough for thousands of rollouts. What they answer is what the agent answers. */
export class PaperHost {
  readonly host: Host
  readonly faults: Faults
  readonly good: string[]
  runs: string | null
  onTrial: { readonly id: string; readonly previous: string | null } | undefined
  calls = 0
  pid = 1
  lastEnd = ''
  #late: { readonly release: string; readonly id: string; readonly at: number }[] = []
  #wasLate = 0
  /** Switches that must not happen any more, as `<id> <release>`. */
  readonly #over = new Set<string>()

  constructor(name: string, runs: string | null, faults: Faults) {
    this.host = { name, address: `${name}.test`, labels: {} }
    this.runs = runs
    this.good = runs === null ? [] : [runs]
    this.faults = faults
  }

  get dead(): boolean {
    return this.faults.diesAfter !== undefined && this.calls > this.faults.diesAfter
  }

  /** Whether a release runs there that is well. */
  get serves(): boolean {
    if (this.dead || this.runs === null) return false
    if (this.runs === 'v2') return this.faults.healthy
    return this.pid === 1 || this.faults.healthyBefore
  }

  answer(call: AgentCall): Answer {
    this.calls++
    if (this.dead) return unknown('no route')
    this.hearLate(({ at }) => this.calls >= at)
    const args = new Map(call.args)
    switch (call.verb) {
      case 'probe':
        return ok(this.#facts())
      case 'service':
        return ok([
          ['active', this.serves ? 'yes' : 'no'],
          ['state', this.serves ? 'active' : 'failed'],
          ['pid', String(this.pid)],
        ])
      case 'activate':
        return this.#activate(args.get('release') ?? '', args.get('id') ?? '')
      case 'confirm':
        return this.#confirm(args.get('id') ?? '')
      case 'revert':
        return this.#revert()
      case 'withdraw':
        this.#over.add(`${args.get('id')} ${args.get('release')}`)
        return ok(this.#facts())
      case 'journal':
        return ok(this.lastEnd === '' ? [] : [['journal', this.lastEnd]])
      default:
        return ok([])
    }
  }

  #activate(release: string, id: string): Answer {
    const { activate } = this.faults
    const first = release === 'v2'
    if (first && activate === 'refuses') return refused(codes.busy, 'the lock of this host is held')
    if (first && activate === 'late' && this.#wasLate < this.faults.lateCalls) {
      this.#wasLate++
      this.#late.push({ release, id, at: this.calls + this.faults.hearsAfter })
      return unknown('silent for 45 s')
    }
    return this.#switch(release, id)
  }

  /** What came late. */
  hearLate(which: (call: { readonly at: number }) => boolean = () => true): void {
    const due = this.#late.filter(which)
    this.#late = this.#late.filter((call) => !due.includes(call))
    if (!this.dead) for (const { release, id } of due) this.#switch(release, id)
  }

  #switch(release: string, id: string): Answer {
    if (this.#over.has(`${id} ${release}`)) return refused(codes.lostRace, 'it is over')
    if (this.onTrial?.id === id && this.runs === release) return ok([['restarted', 'yes']])
    this.onTrial = { id, previous: this.runs }
    this.runs = release
    this.pid++
    this.lastEnd = `1 7 activate ${release} 0 switched`
    return release === 'v2' && this.faults.activate === 'lost'
      ? unknown('the connection was reset')
      : ok([['restarted', 'yes']])
  }

  #confirm(id: string): Answer {
    const { confirm } = this.faults
    if (this.onTrial?.id !== id) return refused(codes.lostRace, 'not on trial with that id')
    if (this.runs === 'v2' && confirm === 'refuses')
      return refused(codes.busy, 'the lock of this host is held')
    if (this.runs !== null) this.good.push(this.runs)
    this.#over.add(`${id} ${this.runs}`)
    this.onTrial = undefined
    return this.runs === 'v2' && confirm === 'lost' ? unknown('the connection was reset') : ok([])
  }

  #revert(): Answer {
    if (this.faults.revert === 'refuses') return refused(codes.restartFailed, 'restart failed')
    this.#over.add(`${this.onTrial?.id} ${this.runs}`)
    this.runs = this.onTrial?.previous ?? null
    this.onTrial = undefined
    this.pid++
    return ok([['restarted', 'yes']])
  }

  #facts(): readonly Fact[] {
    const digest = 'a'.repeat(64)
    return [
      ['version', '1'],
      ['path', '/srv/app'],
      ['clock', '1'],
      ['user', '0 root'],
      ['current', this.runs === null ? 'none' : `release ${this.runs}`],
      ...this.good.map((release): Fact => ['good', release]),
      ...(this.onTrial === undefined
        ? []
        : [
            [
              'unconfirmed',
              `${this.onTrial.id} ${this.runs ?? '-'} ${this.onTrial.previous ?? '-'}`,
            ] as const,
          ]),
      ['release', `v1 ${digest} -`],
      ['release', `v2 ${digest} -`],
    ]
  }

  link(): RunHost {
    const link = new HostLink({ host: this.host, transport: nowhere, path: '/srv/app' })
    link.call = async (call) => this.answer(call)
    return { name: this.host.name, link }
  }
}

const nowhere: Transport = {
  connect: () => Promise.reject(new Error('a paper host has no connection')),
  close: () => Promise.resolve(),
}

const ok = (facts: readonly Fact[]): Answer => ({ kind: 'answer', code: codes.ok, text: '', facts, log: '' })
const refused = (code: number, text: string): Answer => ({ kind: 'answer', code, text, facts: [], log: '' })
const unknown = (because: string): Answer => ({ kind: 'unknown', because, log: '' })
