import { randomUUID } from 'node:crypto'
import { systemClock } from '../adapters/clock.js'
import type { NoticeEvent } from '../config/notify.js'
import type { Config } from '../config/types.js'
import { DeliverError, messageOf } from '../errors.js'
import { endingOf, type Notice } from '../notify/notice.js'
import type { Notices } from '../notify/notices.js'
import type { Outcome } from '../plan/outcome.js'
import { cleanText } from '../report/sanitise.js'
import { redactedData } from '../secrets/redacting.js'
import type { CommandContext, CommandResult } from './context.js'
import { resultOf } from './result-of-error.js'
import { thisOwner } from './rollout-session.js'

/** What a run tells of itself, for those whom the config wants to be told. */
export interface Told {
  /** From here on the run has an end that is told, however it comes. Only the first call counts: `ship` begins before its deploy. */
  begin(about: { readonly release?: string | undefined; readonly previous?: string | undefined }): void
  /** What became known later. */
  learn(about: { readonly release?: string | undefined; readonly outcomes?: readonly Outcome[] }): void
}

/** For runs that nobody is told of. */
const nobody: Told = { begin: () => undefined, learn: () => undefined }

/**
 * Runs a command that tells of itself. A run that never began (wrong options, a lock that somebody else has) tells nothing; one
 * that did tells exactly one end, unless it is killed.
 */
export async function withNotices(
  context: CommandContext,
  config: Config,
  { command, dryRun }: { readonly command: Notice['command']; readonly dryRun: boolean | undefined },
  work: (told: Told) => Promise<CommandResult>,
): Promise<CommandResult> {
  if (dryRun === true || config.notify === undefined || config.notify.length === 0) return work(nobody)
  const telling = new Telling(context, config, command, await openNotices(context, config))
  try {
    const result = await work(telling)
    telling.end(result)
    return result
  } catch (error) {
    const { code, text, fix } = resultOf(error, context.interrupt, { unexpected: messageOf })
    const declined = error instanceof DeliverError && error.declined
    telling.end({ code, text, ...(fix === undefined ? {} : { fix }) }, declined ? 'aborted' : endingOf(code))
    throw error
  } finally {
    await telling.close()
  }
}

async function openNotices(context: CommandContext, config: Config): Promise<Notices> {
  const [{ Notices }, { listenersOf }] = await Promise.all([
    import('../notify/notices.js'),
    import('./listeners.js'),
  ])
  return new Notices(listenersOf(context, config), {
    clock: systemClock,
    warn: (text) => context.reporter.event({ type: 'warning', text }),
  })
}

class Telling implements Told {
  readonly #context: CommandContext
  readonly #notices: Notices
  readonly #about: Omit<Notice, 'version' | 'id' | 'event' | 'text'>
  #release: string | undefined
  #previous: string | undefined
  #outcomes: readonly Outcome[] = []
  #began = false

  constructor(context: CommandContext, config: Config, command: Notice['command'], notices: Notices) {
    this.#context = context
    this.#notices = notices
    const { owner, job, url } = thisOwner(context)
    this.#about = {
      run: randomUUID(),
      command,
      app: config.app,
      environment: config.environment,
      by: owner,
      ...(job === undefined ? {} : { job }),
      ...(url === undefined ? {} : { jobUrl: url }),
      started: timeNow(),
    }
  }

  begin({ release, previous }: Parameters<Told['begin']>[0]): void {
    this.#release ??= release
    this.#previous ??= previous
    if (this.#began) return
    this.#began = true
    const { command, environment } = this.#about
    const what = release ?? "each host's last good release"
    this.#send('started', { text: `${command} of ${what} to ${environment} has begun` })
  }

  learn({ release, outcomes }: Parameters<Told['learn']>[0]): void {
    this.#release = release ?? this.#release
    this.#outcomes = outcomes ?? this.#outcomes
  }

  end({ code, text, fix }: CommandResult, event = endingOf(code)): void {
    if (!this.#began) return
    this.#send(event, {
      text,
      ended: timeNow(),
      code,
      ...(fix === undefined ? {} : { fix }),
      hosts: this.#outcomes.map((outcome) => ({
        host: outcome.host,
        outcome: outcome.kind,
        ...('because' in outcome && outcome.because !== undefined ? { because: outcome.because } : {}),
        ...('runs' in outcome && outcome.runs !== undefined ? { runs: outcome.runs } : {}),
      })),
    })
  }

  close(): Promise<void> {
    return this.#notices.close()
  }

  #send(event: NoticeEvent, more: Pick<Notice, 'text' | 'ended' | 'code' | 'fix' | 'hosts'>): void {
    const notice: Notice = {
      version: 1,
      id: randomUUID(),
      event,
      ...this.#about,
      ...(this.#release === undefined ? {} : { release: this.#release }),
      ...(this.#previous === undefined ? {} : { previous: this.#previous }),
      ...more,
    }
    this.#notices.send(redactedData<Notice>(notice, cleanText(this.#context.secrets.redactor.redact)))
  }
}

const timeNow = (): string => new Date(systemClock.now()).toISOString()
