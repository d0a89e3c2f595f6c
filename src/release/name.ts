import { DeliverError } from '../errors.js'

/** Names become a tag, a file name, an S3 key and a directory on every host, so they are kept to what all of these take. */
const longest = 100
const suffix = '-prebuilt'

export interface NameFacts {
  /** Tags that name the commit. */
  readonly tags: readonly string[]
  readonly branch?: string | undefined
  /** The commit's full id. */
  readonly commit: string
  /** Tells apps of one repository apart, e.g. the app's name when it lives below the root. */
  readonly prefix?: string | undefined
}

/** `v1.2.0-prebuilt` on a version tag, else `main-1f2e3d4c5b6a-prebuilt`. Always passes `checkReleaseName`. */
export function defaultReleaseName(facts: NameFacts): string {
  const prefix = facts.prefix === undefined ? '' : safe(facts.prefix).slice(0, 30)
  const version = highestVersion(facts.tags)
  const parts = version === undefined ? [facts.branch ?? '', facts.commit.slice(0, 12)] : [version]
  const last = parts.pop() ?? ''
  const lead = [prefix, ...parts].map(safe).filter((part) => part !== '')
  // What tells releases apart is at the end, so it is the lead that is cut.
  const room = longest - suffix.length - last.length - 1
  const name = [lead.join('-').slice(0, Math.max(0, room)), safe(last)]
    .filter((part) => part !== '')
    .join('-')
  return (safe(name).slice(0, longest - suffix.length) || 'release') + suffix
}

/** Throws unless a name that somebody chose is safe everywhere. It is refused, not changed: people look for the name they gave. */
export function checkReleaseName(name: string): void {
  const because = problemOf(name)
  if (because === undefined) return
  const suggestion = safe(name)
    .slice(0, longest)
    .replace(/(\.lock|[.-])+$/, '')
  throw new DeliverError('usage', `release name ${JSON.stringify(name)}: ${because}`, {
    fix:
      problemOf(suggestion) === undefined ? `Use ${suggestion}.` : 'Use letters, digits, ".", "_" and "-".',
  })
}

/** The branch that a CI job says it builds; its checkouts are usually detached. */
export function branchOfJob(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const names = ['GIT_BRANCH', 'BRANCH_NAME', 'CI_COMMIT_REF_NAME', 'GITHUB_HEAD_REF', 'GITHUB_REF_NAME']
  const found = names.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '')
  return found?.replace(/^refs\/heads\//, '').replace(/^(refs\/remotes\/|remotes\/)?origin\//, '')
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (Buffer.byteLength(name) > longest) return `it is longer than ${longest} bytes`
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'only letters, digits, ".", "_" and "-" are allowed'
  if (/^[.-]/.test(name)) return 'it starts with "." or "-"'
  if (name.includes('..')) return 'it contains ".."'
  if (/(\.lock|\.)$/.test(name)) return 'it ends with ".lock" or "."'
  // Git would read these as something other than the tag.
  if (name === 'HEAD' || /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(name)) return 'git has another meaning for it'
  return undefined
}

function safe(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/-{2,}/g, '-')
    .replace(/^[.-]+/, '')
    .replace(/-+$/, '')
}

const versionTag = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/

function highestVersion(tags: readonly string[]): string | undefined {
  const versions = tags.filter((tag) => versionTag.test(tag) && tag.length <= 60 && !tag.endsWith(suffix))
  return versions.sort(compareVersions).at(-1)
}

/** The order of semver.org, section 11; equal versions (`v1.0.0`, `1.0.0`) in the order of their bytes. */
function compareVersions(a: string, b: string): number {
  const [, ...left] = versionTag.exec(a) ?? []
  const [, ...right] = versionTag.exec(b) ?? []
  for (let i = 0; i < 3; i++) {
    const order = compareNumbers(left[i] ?? '0', right[i] ?? '0')
    if (order !== 0) return order
  }
  return comparePrereleases(left[3], right[3]) || (a < b ? -1 : a > b ? 1 : 0)
}

function comparePrereleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareIdentifiers(left[i] ?? '', right[i] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareIdentifiers(a: string, b: string): number {
  const numbers = [a, b].map((part) => /^\d+$/.test(part))
  if (numbers[0] && numbers[1]) return compareNumbers(a, b)
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

/** Digits of any length. */
function compareNumbers(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
