import { setMaxListeners, type EventEmitter } from 'node:events'

/** How a run was asked to stop, and the signal that work listens to. */
export interface Interrupt {
  readonly signal: AbortSignal
  /** Undefined until somebody asks. */
  readonly reason: 'interrupted' | 'terminated' | undefined
  dispose(): void
}

const reasons = { SIGINT: 'interrupted', SIGTERM: 'terminated', SIGHUP: 'terminated' } as const
type Name = keyof typeof reasons

/**
 * One Ctrl-C can arrive twice: from the terminal, and from npm, which hands its own on to what it runs. A second signal within
 * so many ms is taken for the same.
 */
const sameKeypress = 500

/**
 * The first SIGINT, SIGTERM or SIGHUP aborts `signal`, and work stops at the next safe place. The second means now:
 * `exit` is called with the code of that signal.
 */
export function listenForInterrupts(
  source: Pick<EventEmitter, 'on' | 'off'>,
  exit: (code: 130 | 143) => void,
  notice: (text: string) => void,
  now: () => number = () => performance.now(),
): Interrupt {
  const controller = new AbortController()
  // Each host's calls listen to it; Node takes more than ten listeners for a leak.
  setMaxListeners(0, controller.signal)
  let reason: Interrupt['reason']
  let since = 0
  const handlers = Object.keys(reasons).map((key) => {
    const name: Name = key === 'SIGINT' ? 'SIGINT' : key === 'SIGTERM' ? 'SIGTERM' : 'SIGHUP'
    const handler = (): void => {
      if (reason !== undefined) {
        if (now() - since >= sameKeypress) exit(reasons[name] === 'interrupted' ? 130 : 143)
        return
      }
      reason = reasons[name]
      since = now()
      notice(`${name}: stopping at the next safe place; again to stop at once`)
      controller.abort(new Error(reason))
    }
    source.on(name, handler)
    return { name, handler }
  })
  return {
    signal: controller.signal,
    get reason() {
      return reason
    },
    dispose() {
      for (const { name, handler } of handlers) source.off(name, handler)
    },
  }
}
