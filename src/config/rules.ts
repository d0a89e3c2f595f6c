import type { z } from './fields.js'
import { oneLine } from './names.js'
import type { Rule } from './names.js'
import type { SecretText } from './secret.js'
import { hostPath, overlaps, relativePath } from './paths.js'
import type {
  ConfirmWhen,
  HealthConfig,
  HostConfig,
  MigrateConfig,
  ReleaseInAnswer,
  ServiceConfig,
} from './types.js'
import { formatDuration, shown } from './values.js'

/** What several keys must agree on, and how the ways to write a section become one. */

type Context = z.RefinementCtx

function report(context: Context, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message })
}

export function distinctPaths(list: readonly string[], context: Context): void {
  for (const { index, problem } of overlaps(list)) report(context, [index], problem)
}

/** A path in the release is one file, and of one kind. */
export function filesBesideShared(
  target: { readonly shared: readonly string[]; readonly files?: Readonly<Record<string, unknown>> },
  context: Context,
): void {
  const files = Object.keys(target.files ?? {})
  for (const { index, problem } of overlaps([...target.shared, ...files])) {
    const path = files[index - target.shared.length]
    if (path !== undefined) report(context, ['files', path], problem)
  }
  for (const { index } of overlaps([...files, ...target.shared])) {
    const path = target.shared[index - files.length]
    if (path !== undefined && files.some((file) => path.startsWith(`${file}/`)))
      report(context, ['shared'], `${shown(path)} lies inside ${shown('target.files')}. Remove it`)
  }
}

export function dependencies(list: readonly string[], context: Context): void {
  distinctPaths(list, context)
  for (const [index, path] of list.entries()) {
    const inGit = path.split('/').some((part) => part.toLowerCase() === '.git')
    if (inGit)
      report(context, [index], `${shown(path)} belongs to git and can't be part of a commit. Remove it`)
  }
}

export function distinctHosts(list: readonly HostConfig[], context: Context): void {
  const nameOf = (host: HostConfig) =>
    (typeof host === 'string' ? host : (host.name ?? host.host)).toLowerCase()
  for (const [index, host] of list.entries()) {
    const first = list.findIndex((other) => nameOf(other) === nameOf(host))
    if (first === index) continue
    report(
      context,
      [index],
      `${shown(nameOf(host))} is the name of host [${first}] too. Remove one, or give it another name`,
    )
  }
}

const highest = { 'tar.zst': 19, 'tar.gz': 9, tar: 0 } as const

export function compression(
  archive: { readonly format: keyof typeof highest; readonly level?: number },
  context: Context,
): void {
  if (archive.level === undefined || archive.level <= highest[archive.format]) return
  const fix =
    archive.format === 'tar'
      ? 'tar is not compressed. Remove the level'
      : 'tar.gz has levels 1 to 9. Write one of them'
  report(context, ['level'], `${archive.level} does not fit the format: ${fix}`)
}

export function partsOfRestart(
  service: { readonly restart?: string; readonly stop?: string; readonly pidFile?: string },
  context: Context,
): void {
  if (service.restart !== undefined) return
  for (const key of ['stop', 'pidFile'] as const)
    if (service[key] !== undefined)
      report(context, [key], 'is only for services with a restart command. Remove it, or write restart')
}

export const logPath: Rule = (text) => (text.startsWith('/') ? hostPath(text) : relativePath(text))

export const healthUrl: Rule = (text) => {
  const problem = oneLine(text)
  if (problem !== undefined) return problem
  if (!/^https?:\/\/[^/?#\s]/i.test(text) || /\s/.test(text) || !URL.canParse(text)) {
    return `${shown(text)} is no URL. Write it like http://localhost:3000/health`
  }
  const url = new URL(text)
  // A password in a URL would be in every log line that names the check, so the message doesn't repeat it.
  if (url.username !== '' || url.password !== '')
    return 'carries a login. Send it as a header: health.http.headers'
  return undefined
}

interface Timing {
  readonly successes: number
  readonly interval: number
  readonly minUptime: number
  readonly deadline: number
}

export function reachableDeadline(
  { successes, interval, minUptime, deadline }: Timing,
  context: Context,
): void {
  const least = (successes - 1) * interval
  const short = `${formatDuration(deadline)} is too short`
  if (least >= deadline) {
    const answers = `${successes} answers, ${formatDuration(interval)} apart, take ${formatDuration(least)}`
    report(context, ['deadline'], `${short}: ${answers}. Write a longer deadline`)
  } else if (minUptime >= deadline) {
    const span = `good answers must span ${formatDuration(minUptime)} (health.minUptime)`
    report(context, ['deadline'], `${short}: ${span}. Write a longer deadline, or a shorter minUptime`)
  }
}

/** A guard that ends first would take a host back from a release that may still become healthy. */
export function guardOutlastsHealth(
  config: {
    readonly rollout: { readonly guard?: number }
    readonly health?: { readonly deadline: number }
  },
  context: Context,
): void {
  const { rollout, health } = config
  if (rollout.guard === undefined || rollout.guard === 0 || health === undefined) return
  if (rollout.guard > health.deadline) return
  const time = `a host has ${formatDuration(health.deadline)} to become healthy (health.deadline)`
  report(
    context,
    ['rollout', 'guard'],
    `${formatDuration(rollout.guard)} is too short: ${time}. Write a longer guard, or a shorter deadline`,
  )
}

export function confirmWhen(value: 'never' | ConfirmWhen | ConfirmWhen[]): readonly ConfirmWhen[] {
  if (value === 'never') return []
  return typeof value === 'string' ? [value] : value
}

export function migration(value: string | MigrateConfig): MigrateConfig {
  return typeof value === 'string' ? { run: value, timeout: 600_000 } : value
}

interface ServiceForm {
  readonly systemd?: string | { readonly unit: string; readonly user: boolean }
  readonly upstart?: string
  readonly pm2?: string | { readonly name: string; readonly start?: string }
  readonly restart?: string
  readonly stop?: string
  readonly pidFile?: string
}

/** `exactlyOne` has seen to it that one of the kinds is there. */
export function serviceManager({
  systemd,
  upstart,
  pm2,
  restart,
  stop,
  pidFile,
}: ServiceForm): ServiceConfig['manager'] {
  if (systemd !== undefined) {
    return typeof systemd === 'string'
      ? { kind: 'systemd', unit: systemd, user: false }
      : { kind: 'systemd', unit: systemd.unit, user: systemd.user }
  }
  if (upstart !== undefined) return { kind: 'upstart', job: upstart }
  if (pm2 !== undefined) return { kind: 'pm2', ...(typeof pm2 === 'string' ? { name: pm2 } : pm2) }
  return {
    kind: 'command',
    restart: restart ?? '',
    ...(stop === undefined ? {} : { stop }),
    ...(pidFile === undefined ? {} : { pidFile }),
  }
}

interface HealthForm {
  readonly http?:
    | string
    | {
        readonly url: string
        readonly status: number[]
        readonly headers: Record<string, SecretText>
        readonly contains?: string
        readonly release?: { readonly header?: string; readonly body?: true }
        readonly insecure?: boolean
      }
  readonly tcp?: number | { readonly host: string; readonly port: number }
  readonly command?: string
}

export function healthCheck({ http, tcp, command }: HealthForm): HealthConfig['check'] {
  if (http !== undefined) {
    if (typeof http === 'string') return { kind: 'http', url: http, status: [200], headers: {} }
    const { release, ...rest } = http
    return { kind: 'http', ...rest, ...(release === undefined ? {} : { release: whereNamed(release) }) }
  }
  if (tcp !== undefined) {
    return typeof tcp === 'number' ? { kind: 'tcp', host: '127.0.0.1', port: tcp } : { kind: 'tcp', ...tcp }
  }
  return { kind: 'command', command: command ?? '' }
}

function whereNamed({ header }: { readonly header?: string }): ReleaseInAnswer {
  return header === undefined ? { body: true } : { header }
}
