import type { ServiceConfig } from '../config/types.js'
import { looking, mutating, optional, type Mutation } from './call.js'
import { serviceArgs } from './service-args.js'
import type { AgentCall } from './wire.js'

export interface CheckCall {
  /** What a release needs on the host; less is a problem. */
  readonly bytes?: number
  readonly inodes?: number
  readonly service?: ServiceConfig
  /** The port whose listener is told, for managers that don't tell their processes. */
  readonly port?: number
  /** Of the config: those that staging can't make are told. */
  readonly shared: readonly string[]
}

/** As probe, and all that a deploy would find out later. Changes nothing. */
export function check({ bytes, inodes, service, port, shared }: CheckCall): AgentCall {
  return looking('check', [
    ...optional('need', bytes),
    ...optional('inodes', inodes),
    ...serviceArgs(service),
    ...optional('port', port),
    ['shared', shared.join('\n')],
  ])
}

/** Removes what steps that were killed have left in the staging area and the trash. */
export function sweep(by: Mutation): AgentCall {
  return mutating('sweep', by, [])
}
