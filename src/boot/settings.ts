import { restartArgs, seconds } from '../remote/service-args.js'
import type { Config, HealthConfig, TargetConfig } from '../config/types.js'
import type { BootWord } from '../store/boot-line.js'

/** How a server that boots installs and starts the app: the same settings as a deploy by ssh, as words of the pointer. */
export function bootSettings(config: Config, target: TargetConfig): readonly BootWord[] {
  const { service, health } = config
  return [
    ['app', config.app],
    ['environment', config.environment],
    ['path', target.path],
    ['keep', String(target.keep)],
    // A server that boots has no secrets: it finds such files in shared/, or doesn't start.
    ['shared', [...target.shared, ...(target.files ?? []).map((file) => file.path)].join('\n')],
    ['guard', String(seconds((service?.timeout ?? 0) + (health?.deadline ?? 0) + guardSlack))],
    ...restartArgs(service).map(([key, value]): BootWord => [`service.${key}`, value]),
    ...healthWords(health),
  ]
}

/** Ms that confirming may take after health was seen. */
const guardSlack = 60_000
/** As the rollout does without a health check: the process is watched for a while. */
const unchecked = { successes: 3, minUptime: 0, interval: 1_000, timeout: 5_000, deadline: 30_000 }

function healthWords(health: HealthConfig | undefined): readonly BootWord[] {
  const { successes, minUptime, interval, timeout, deadline } = health ?? unchecked
  return [
    ...checkWords(health?.check),
    ['health.successes', String(successes)],
    ['health.uptime', String(seconds(minUptime))],
    ['health.interval', String(seconds(interval))],
    ['health.timeout', String(seconds(timeout))],
    ['health.deadline', String(seconds(deadline))],
  ]
}

function checkWords(check: HealthConfig['check'] | undefined): readonly BootWord[] {
  switch (check?.kind) {
    case undefined:
      return [['health.check', 'process']]
    case 'http':
      return [
        ['health.check', 'http'],
        ['health.url', check.url],
        // Which release answers is told by the process' directory. Headers may be secrets, and stay out of the store; without them any answer but an error of the server is as good as it gets.
        ['health.status', Object.keys(check.headers).length > 0 ? 'any' : check.status.join(',')],
        ...(check.contains === undefined ? [] : [['health.contains', check.contains] as const]),
        ...(check.insecure === true ? [['health.insecure', '1'] as const] : []),
      ]
    case 'tcp':
      return [
        ['health.check', 'tcp'],
        ['health.port', String(check.port)],
      ]
    case 'command':
      return [
        ['health.check', 'command'],
        ['health.command', check.command],
      ]
  }
}
