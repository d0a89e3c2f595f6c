import type { HostCheck } from '../remote/check-readings.js'
import type { HostProblem } from '../remote/facts.js'
import { weakGuard } from '../plan/guard.js'
import { listed, showBytes, showCount } from '../report/units.js'
import { byItself, finderOf, type Finder, type Finding } from './finding.js'
import type { ConfigFacts, HostLook, LockFacts } from './facts.js'
import { judgeService } from './service.js'

/** What a host is measured by. */
export interface Measure {
  readonly config: ConfigFacts
  /** A deploy under way may be what makes a host look odd. */
  readonly lock?: LockFacts | undefined
  /** The release that the pointer names. */
  readonly intended?: string | undefined
}

export function judgeHost(look: HostLook, measure: Measure): readonly Finding[] {
  const is = finderOf('host', look.host)
  const { looked, instance } = look
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const host = looked.value
  if (instance !== undefined && host.instance?.startsWith('i-') === true && host.instance !== instance)
    return [
      is.problem(
        `its address leads to ${host.instance}, not to ${instance}`,
        'The instance was replaced, or the ssh config sends its address elsewhere.',
      ),
    ]
  return [
    is.ok(`${host.user.name}@${host.hostname === '' ? look.host : host.hostname}`),
    ...host.problems.map((problem) => judgeProblem(is, problem)),
    ...judgeRoom(is, host),
    ...judgeRelease(is, host, measure),
    ...judgeService(is, host, measure.config),
    ...(look.refusals ?? []).map(({ because, fix }) => is.problem(because, fix)),
    ...judgeTools(is, host, measure.config),
    ...judgeClock(is, look, host),
    ...judgeGuard(is, host, measure.config),
    ...judgePlaces(is, host),
    ...judgeLeftovers(is, host, measure.lock),
  ]
}

/** The agent says what is and, where it knows it, in a second sentence what to do. */
function judgeProblem(is: Finder, { code, text }: HostProblem): Finding {
  const [, what = text, fix = fixFor(code)] = /^(.*?)\. (.*)$/s.exec(text) ?? []
  return is.problem(what, fix)
}

/** What the agent's own sentence leaves open. Undefined: it says it. */
function fixFor(code: string): string | undefined {
  switch (code) {
    case 'no-space':
      return 'Free space on the host, or keep fewer releases: target.keep.'
    case 'read-only':
      return 'See dmesg on the host: a file system is mounted read-only after errors. Then mount it for writing.'
    case 'file-systems':
    case 'foreign-layout':
      return 'Put releases and .deliver on the file system of target.path itself.'
    case 'no-service':
      return 'Make the service on the host, or correct service in the config.'
    case 'incomplete':
      return 'Deploy another release, remove this one from releases/ on the host, and deploy it again.'
    case 'no-atomic-rename':
    case 'no-sha256':
    case 'no-tools':
      return 'Install coreutils, findutils and tar.'
    default:
      return undefined
  }
}

function judgeRoom(is: Finder, { freeBytes, freeInodes, problems }: HostCheck): readonly Finding[] {
  if (freeBytes === undefined || problems.some(({ code }) => code === 'no-space')) return []
  const inodes = freeInodes === undefined ? '' : ` and ${showCount(freeInodes, 'inode')}`
  return [is.ok(`${showBytes(freeBytes)}${inodes} free`)]
}

function judgeRelease(is: Finder, host: HostCheck, { lock, intended }: Measure): readonly Finding[] {
  const { current, unconfirmed, altered } = host
  const deploying = lock?.state === 'held'
  const runs = current.kind === 'release' ? current.release : 'nothing'
  const broken =
    current.kind === 'foreign' ||
    host.problems.some(({ code }) => code === 'incomplete' || code === 'current')
  return [
    ...(broken
      ? []
      : intended === undefined || runs === intended || deploying
        ? [is.ok(current.kind === 'none' ? 'nothing deployed yet' : `${runs} is complete`)]
        : [
            is.warning(
              `current is ${runs}, not ${intended}`,
              `deliver deploy ${intended} brings it in line.`,
            ),
          ]),
    ...(unconfirmed === undefined || deploying
      ? []
      : [
          is.problem(
            `${unconfirmed.release} is on trial: the deploy that switched to it never confirmed it`,
            'Deploy again, or go back: deliver rollback.',
          ),
        ]),
    ...(altered === undefined
      ? []
      : [
          is.warning(
            `${runs} is not what was deployed: ${altered} was changed on the host`,
            'Let the app write below shared/ (target.shared), not into its own files.',
          ),
        ]),
  ]
}

function judgeTools(is: Finder, { tools }: HostCheck, { format }: ConfigFacts): readonly Finding[] {
  if (format === 'tar' || (format === 'tar.zst' ? tools.has('zstd') : tools.has('gzip')))
    return [is.ok(format === 'tar' ? 'tools' : format === 'tar.zst' ? 'tools, zstd' : 'tools, gzip')]
  const [missing, instead] =
    format === 'tar.gz' || !tools.has('gzip')
      ? ['gzip', 'uncompressed']
      : ['zstd', 'as gzip, which is larger']
  return [is.warning(`no ${missing}: releases are sent to it ${instead}`, `Install ${missing} on the host.`)]
}

/** Nothing is decided by comparing clocks of two machines; people who read logs do. */
const mostSkew = 60_000

function judgeClock(is: Finder, { asked, answered }: HostLook, { clock }: HostCheck): readonly Finding[] {
  // The host tells whole seconds, at some moment between the question and the answer.
  const behind = asked - (clock + 1000)
  const ahead = clock - answered
  const off = Math.max(behind, ahead)
  if (off <= mostSkew) return [is.ok('clock')]
  const seconds = Math.round(off / 1000)
  return [
    is.warning(
      `its clock is ${seconds} s ${behind > 0 ? 'behind' : 'ahead'}`,
      'Set it by the network: sudo timedatectl set-ntp true.',
    ),
  ]
}

function judgeGuard(is: Finder, host: HostCheck, { guarded }: ConfigFacts): readonly Finding[] {
  if (!guarded) return []
  const weak = weakGuard(host)
  if (weak !== undefined) return [is.warning(weak.text, weak.fix)]
  return host.guardSurvives === 'reboot' ? [is.ok('guarded beyond a reboot')] : []
}

function judgePlaces(
  is: Finder,
  { foreignOwner, sharedMissing, sharedElsewhere }: HostCheck,
): readonly Finding[] {
  return [
    ...(foreignOwner === undefined
      ? []
      : [
          is.warning(
            `not all files are the login's own: ${foreignOwner}. They may keep old releases from being removed`,
            'Give them to the login (chown), and let the app run without rights to its releases.',
          ),
        ]),
    ...(sharedMissing.length === 0
      ? []
      : [
          is.warning(
            `shared/${listed(sharedMissing)} is not there, and staging stops unless the release brings it`,
            'Create it on the host; a directory is written with a slash at its end in target.shared.',
          ),
        ]),
    ...(sharedElsewhere
      ? [
          is.warning(
            'shared/ is on another file system than releases/',
            'That works. Mind that it must be mounted before the service starts (RequiresMountsFor).',
          ),
        ]
      : []),
  ]
}

function judgeLeftovers(
  is: Finder,
  { leftovers }: HostCheck,
  lock: LockFacts | undefined,
): readonly Finding[] {
  if (leftovers.length === 0 || lock?.state === 'held') return []
  return [
    is.warning(
      `${showCount(leftovers.length, 'leftover')} of steps that were cut short: ${listed(leftovers)}`,
      `The next deploy removes them. ${byItself}`,
      'staging',
    ),
  ]
}
