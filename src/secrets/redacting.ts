import { DeliverError } from '../errors.js'
import type { Reporter } from '../report/events.js'

type Redact = (text: string) => string

/** Takes secrets out of every text of a value, keys included. Cycles and objects that aren't plain data stay as they are. */
export function redactedData<T>(value: T, redact: Redact): T
export function redactedData(value: unknown, redact: Redact): unknown {
  return copy(value, redact, new Set())
}

function copy(value: unknown, redact: Redact, above: ReadonlySet<object>): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null || above.has(value)) return value
  const inside = new Set(above).add(value)
  if (Array.isArray(value)) return value.map((item) => copy(item, redact, inside))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redact(key), copy(each, redact, inside)]),
  )
}

/** A reporter of any kind that never gets to know a secret. */
export function redactingReporter(reporter: Reporter, redact: Redact): Reporter {
  return {
    event: (event) => reporter.event(redactedData(event, redact)),
    close: () => reporter.close(),
    ...(reporter.abandon === undefined ? {} : { abandon: (code) => reporter.abandon?.(code) }),
    ...(reporter.suspended === undefined
      ? {}
      : { suspended: (work) => reporter.suspended?.(work) ?? work() }),
  }
}

/** The same error without secrets. What caused it is left out unless it is of ours: it may hold anything. */
export function redactedError(error: unknown, redact: Redact): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? redact(error) : error
  if (!(error instanceof DeliverError)) {
    const { message, stack = '' } = error
    if (redact(message) === message && redact(stack) === stack) return error
    return Object.assign(new Error(redact(message)), { stack: redact(stack) })
  }
  const clean = new DeliverError(error.kind, redact(error.message), {
    ...(error.fix === undefined ? {} : { fix: redact(error.fix) }),
    ...(error.cause === undefined ? {} : { cause: redactedError(error.cause, redact) }),
  })
  return clean.message === error.message && clean.fix === error.fix ? error : clean
}
