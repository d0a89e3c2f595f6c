import type { Commit } from '../ports.js'

/** What a prebuilt commit says of itself, in trailers: later steps need nothing but the tag. */
export interface Provenance {
  readonly release: string
  /** The commit that was built, the only parent. */
  readonly source: string
  readonly branch?: string | undefined
  /** Where the app is in the repository; '' for the root. */
  readonly subdirectory: string
  /** Plain deps paths, relative to the app. */
  readonly deps: readonly string[]
}

/** Who makes prebuilt commits: nobody in particular, for the same build must give the same commit. */
export const builder = { name: 'deliver', email: 'deliver@localhost' }

export function provenanceMessage(provenance: Provenance): string {
  const { release, source, branch, subdirectory, deps } = provenance
  const trailers = [
    `Deliver-Release: ${release}`,
    `Deliver-Source: ${source}`,
    ...(branch === undefined ? [] : [`Deliver-Branch: ${oneLine(branch)}`]),
    `Deliver-Directory: ${JSON.stringify(subdirectory)}`,
    `Deliver-Deps: ${JSON.stringify(deps)}`,
  ]
  return `Release ${release} with its dependencies\n\n${trailers.join('\n')}\n`
}

/** Undefined for any commit that deliver didn't make. */
export function provenanceOf(commit: Commit): Provenance | undefined {
  if (commit.author.name !== builder.name || commit.author.email !== builder.email) return undefined
  const trailers = new Map<string, string>()
  for (const line of commit.message.split('\n\n').at(-1)?.split('\n') ?? []) {
    const [, name, value] = /^(Deliver-[A-Z][a-z]+): (.*)$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) trailers.set(name, value)
  }
  const release = trailers.get('Deliver-Release')
  const source = trailers.get('Deliver-Source')
  const subdirectory = parsed(trailers.get('Deliver-Directory'))
  const deps = parsed(trailers.get('Deliver-Deps'))
  if (release === undefined || source === undefined || commit.parents.join() !== source) return undefined
  if (typeof subdirectory !== 'string' || !isStrings(deps)) return undefined
  return { release, source, branch: trailers.get('Deliver-Branch'), subdirectory, deps }
}

/** Branch names come from the environment of the job too, where they are anything. */
function oneLine(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 250)
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? 'null')
  } catch {
    return undefined
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
