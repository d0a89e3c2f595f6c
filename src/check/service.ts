import type { HostCheck } from '../remote/check-readings.js'
import type { Finder, Finding } from './finding.js'
import type { ConfigFacts } from './facts.js'

/** Whether a restart starts what `current` names, and whether that runs now. */
export function judgeService(is: Finder, host: HostCheck, { sections }: ConfigFacts): readonly Finding[] {
  if (!sections.has('service') || host.problems.some(({ code }) => code === 'no-service')) return []
  const found = [
    ...judgeSudo(is, host),
    ...judgePlace(is, host),
    ...judgeUnit(is, host),
    ...judgeProcess(is, host),
  ]
  return found.length === 0
    ? [is.ok(host.unit === undefined ? 'service' : 'its unit runs from current')]
    : found
}

/** What it may not do at all is a problem that the agent tells. */
function judgeSudo(is: Finder, { sudoPassword: command, user }: HostCheck): readonly Finding[] {
  if (command === undefined) return []
  return [
    is.problem(
      'sudo allows the restart, and as its rules read only with a password',
      `Add with visudo, below the other rules: ${user.name} ALL=(root) NOPASSWD: ${command}`,
    ),
  ]
}

function judgePlace(is: Finder, { path, unit, service, current }: HostCheck): readonly Finding[] {
  const runs = current.kind === 'release' ? current.release : undefined
  if (unit?.place === 'release')
    return [
      is.problem(
        'its unit starts one release by its name, so no deploy changes what runs',
        `Let it start from current: WorkingDirectory=${path}/current.`,
      ),
    ]
  // A script that the unit starts may go to the right place by itself.
  if (service.release !== undefined || (unit !== undefined && unit.place === 'current')) return []
  if (service.active === true && service.cwd !== undefined && runs !== undefined)
    return [
      is.problem(
        `its process runs in ${service.cwd}, not in a release`,
        `Let the service start from current: ${path}/current.`,
      ),
    ]
  return unit === undefined
    ? []
    : [
        is.warning(
          `its unit names neither ${path}/current as its directory nor as its program`,
          `Unless a script goes there by itself: WorkingDirectory=${path}/current.`,
        ),
      ]
}

function judgeUnit(is: Finder, { unit }: HostCheck): readonly Finding[] {
  return [
    ...(unit?.stale === true
      ? [is.warning('its unit file was changed, and systemd has not read it', 'sudo systemctl daemon-reload')]
      : []),
    ...(unit?.atBoot === false
      ? [is.warning('its unit is not enabled: after a reboot nothing runs', 'sudo systemctl enable it.')]
      : []),
  ]
}

function judgeProcess(is: Finder, { service, current }: HostCheck): readonly Finding[] {
  if (current.kind !== 'release') return []
  const { active, state, release } = service
  if (active === false)
    return [
      is.warning(
        `its service does not run${state === undefined ? '' : ` (${state})`}`,
        'See its log, or deploy again.',
      ),
    ]
  if (release === undefined || release === current.release) return []
  return [
    is.warning(
      `its process still runs ${release}, and current is ${current.release}`,
      `Restart it: deliver deploy ${current.release}.`,
    ),
  ]
}
