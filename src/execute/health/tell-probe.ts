import type { Run, RunHost } from '../run.js'
import type { Probe } from './probe.js'
import type { Enough } from './streak.js'

/** Ms until a bad answer that only repeats itself is told again. */
const patience = 1_000

export interface Told {
  readonly answers: number
  /** Ms since the first good answer of the streak. */
  readonly uptime: number
}

/** Tells what a host answered: each good answer, and of bad ones what is new. A host that starts is asked several times a second. */
export class ProbeTeller {
  readonly #run: Run
  readonly #host: RunHost
  readonly #release: string
  #last: { readonly because: string; readonly at: number } | undefined

  constructor(run: Run, host: RunHost, release: string) {
    this.#run = run
    this.#host = host
    this.#release = release
  }

  tell(answer: Probe, { answers, uptime }: Told, { successes, minUptime }: Omit<Enough, 'interval'>): void {
    const now = this.#run.clock.now()
    const last = this.#last
    this.#last = answer.ok ? undefined : { because: answer.because, at: now }
    if (!answer.ok && last?.because === answer.because && now - last.at < patience) {
      this.#last = last
      return
    }
    this.#run.reporter.event({
      type: 'probe',
      host: this.#host.name,
      release: this.#release,
      ok: answer.ok,
      ...(answer.ok ? {} : { because: answer.because }),
      streak: answers,
      successes,
      uptime,
      minUptime,
    })
  }
}
