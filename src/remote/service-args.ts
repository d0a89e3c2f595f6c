import type { ServiceConfig } from '../config/types.js'

type Args = readonly (readonly [key: string, value: string])[]

/** How the agent restarts, stops and finds the service. Undefined: there is none, releases are only switched. */
export function serviceArgs(service: ServiceConfig | undefined): Args {
  if (service === undefined) return [['service', 'none']]
  return [
    ...managerArgs(service.manager),
    ...(service.log === undefined ? [] : ([['logfile', service.log]] as const)),
  ]
}

/** The arguments of verbs that restart: the service, and how long that may take. */
export function restartArgs(service: ServiceConfig | undefined): Args {
  if (service === undefined) return serviceArgs(service)
  return [...serviceArgs(service), ['restart-timeout', String(seconds(service.timeout))]]
}

/** The agent counts in whole seconds; rounded up, a limit never becomes none. */
export function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

function managerArgs(manager: ServiceConfig['manager']): Args {
  switch (manager.kind) {
    case 'systemd':
      return [
        ['service', 'systemd'],
        ['unit', manager.unit],
        ...(manager.user ? ([['user', '1']] as const) : []),
      ]
    case 'upstart':
      return [
        ['service', 'upstart'],
        ['job', manager.job],
      ]
    case 'pm2':
      return [
        ['service', 'pm2'],
        ['name', manager.name],
        ...(manager.start === undefined ? [] : ([['start', manager.start]] as const)),
      ]
    case 'command':
      return [
        ['service', 'command'],
        ['restart', manager.restart],
        ...(manager.stop === undefined ? [] : ([['stop', manager.stop]] as const)),
        ...(manager.pidFile === undefined ? [] : ([['pidfile', manager.pidFile]] as const)),
      ]
  }
}
