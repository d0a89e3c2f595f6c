import { seconds } from './service-args.js'
import type { AgentCall } from './wire.js'

/** What all calls of the agent are made of. */

export type Args = AgentCall['args']

export interface Mutation {
  readonly fence: number
  /** Seconds to wait for the host's lock; the agent's default is 60. */
  readonly lockWait?: number
}

/** Of calls that the host ends by itself, with code 23, even when nobody is there any more to tell it. */
export interface Limited {
  /** Milliseconds from having the host's lock; the agent's default is half an hour. */
  readonly limit?: number
  /** Milliseconds without a byte of the payload; the agent's default is a minute. Then the answer is code 15. */
  readonly idle?: number
}

export function limited({ limit, idle }: Limited): Args {
  const inSeconds = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : seconds(ms)
  return [...optional('limit', inSeconds(limit)), ...optional('idle', inSeconds(idle))]
}

export function looking(verb: string, args: Args): AgentCall {
  return { verb, args, readOnly: true }
}

export function mutating(verb: string, { fence, lockWait }: Mutation, args: Args): AgentCall {
  return {
    verb,
    args: [['fence', String(fence)], ...optional('lock-wait', lockWait), ...args],
    readOnly: false,
  }
}

export function optional(key: string, value: number | undefined): Args {
  return value === undefined ? [] : [[key, String(value)]]
}

/** The same call with what the host told in its probe, so that it isn't tried again. A probe itself tries everything. */
export function withKnown(call: AgentCall, tools: ReadonlySet<string>): AgentCall {
  const known = [...tools].filter((tool) => /^[a-z0-9:-]{1,40}$/i.test(tool))
  if (call.verb === 'probe' || known.length === 0) return call
  return { ...call, args: [...call.args, ['known', known.join(',')]] }
}
