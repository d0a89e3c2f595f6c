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
 * The first SIGINT, SIGTERM or SIGHUP aborts `signal`, and work stops at the next safe place. The second means now:
 * `exit` is called with the code of that signal.
 */
export function listenForInterrupts(
  source: Pick<EventEmitter, 'on' | 'off'>,
  exit: (code: 130 | 143) => void,
  notice: (text: string) => void,
): Interrupt {
  const controller = new AbortController()
  // Each host's calls listen to it; Node takes more than ten listeners for a leak.
  setMaxListeners(0, controller.signal)
  let reason: Interrupt['reason']
  const handlers = Object.keys(reasons).map((key) => {
    const name: Name = key === 'SIGINT' ? 'SIGINT' : key === 'SIGTERM' ? 'SIGTERM' : 'SIGHUP'
    const handler = (): void => {
      if (reason !== undefined) return exit(reasons[name] === 'interrupted' ? 130 : 143)
      reason = reasons[name]
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
