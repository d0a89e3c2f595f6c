import type { ServiceConfig } from '../config/types.js'
import { looking, optional } from './call.js'
import { serviceArgs } from './service-args.js'
import type { AgentCall } from './wire.js'

/** Calls that look at a host and change nothing, besides the probe. */

/** The service's process. With a port also who listens there, for managers that don't tell. */
export function service(of: { readonly service?: ServiceConfig; readonly port?: number }): AgentCall {
  return looking('service', [...serviceArgs(of.service), ...optional('port', of.port)])
}

/** The last lines of the service's log, as log text, and the files that they are from, as facts. */
export function logs(of: { readonly service?: ServiceConfig; readonly lines: number }): AgentCall {
  return looking('logs', [...serviceArgs(of.service), ['lines', String(of.lines)]])
}

/** A cheap look for `deliver status`. */
export function status(of: { readonly service?: ServiceConfig; readonly port?: number } = {}): AgentCall {
  return looking('status', [...serviceArgs(of.service), ...optional('port', of.port)])
}

/** The last mutations of the host. */
export function journal(lines: number): AgentCall {
  return looking('journal', [['n', String(lines)]])
}
