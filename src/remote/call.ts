import type { AgentCall } from './wire.js'

/** What all calls of the agent are made of. */

export type Args = AgentCall['args']

export interface Mutation {
  readonly fence: number
  /** Seconds to wait for the host's lock; the agent's default is 60. */
  readonly lockWait?: number
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
