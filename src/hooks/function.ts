import type { HookFunction, HookValues } from '../config/hooks.js'
import { messageOf } from '../errors.js'
import type { Clock } from '../ports.js'

interface FunctionCall {
  readonly run: HookFunction
  readonly values: HookValues
  readonly note: (text: string) => void
  /** Milliseconds. */
  readonly timeout: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Calls a function of the config. Why it failed; undefined when it didn't. Never rejects. */
export async function callFunction(call: FunctionCall): Promise<string | undefined> {
  const { run, values, note, timeout, clock } = call
  const over = new AbortController()
  const ended = new AbortController()
  const signal = AbortSignal.any([call.signal, over.signal])
  const interrupted = new Promise<string>((resolve) => {
    const tell = (): void => resolve('was interrupted')
    if (call.signal.aborted) tell()
    else call.signal.addEventListener('abort', tell, { once: true })
    ended.signal.addEventListener('abort', () => call.signal.removeEventListener('abort', tell), {
      once: true,
    })
  })
  const late = clock.sleep(timeout, ended.signal).then(
    () => {
      over.abort()
      return `did not end within ${timeout / 1000}s`
    },
    () => undefined,
  )
  // `run` may throw before it gives a promise.
  const finished = Promise.resolve()
    .then(() => run({ ...values, signal, note }))
    .then(
      () => undefined,
      (error: unknown) => `failed: ${messageOf(error)}`,
    )
  try {
    return await Promise.race([finished, late, interrupted])
  } finally {
    ended.abort()
  }
}
