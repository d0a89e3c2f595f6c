import { open, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DeliverError } from '../../errors.js'
import { createDurably } from './durable-file.js'
import { unless } from './errno.js'

/**
 * The versions of one document: `.versions/<name>.<n>`, each made by link(), which fails when the name is taken. The
 * highest is the document, and an empty one says that there is none. There is no lock that a dead process could leave.
 *
 * Old versions are removed oldest first, and only long after, so a number isn't free again while anybody still thinks
 * that it comes next. A process that was suspended for longer finds, after its link, that the version it built on is gone.
 */
const kept = 16
const keptForNs = 600n * 1_000_000_000n
const largest = 1024 * 1024

export interface Version {
  readonly n: number
  readonly text: string
  readonly mtimeNs: bigint
}

export interface VersionPlace {
  /** The `.versions` directory. */
  readonly directory: string
  readonly name: string
}

const pathOf = (place: VersionPlace, n: number): string => join(place.directory, `${place.name}.${n}`)

/** Names a version so that a number used twice is not mistaken for it. */
export const tokenOf = (version: Pick<Version, 'n' | 'mtimeNs'>): string => `${version.n}.${version.mtimeNs}`

export async function latestVersion(place: VersionPlace): Promise<Version | undefined> {
  // Each round that finds nothing means that others wrote on, or that a network mount showed us an old listing.
  for (let round = 0; round < 100; round++) {
    const n = (await numbers(place)).at(-1)
    if (n === undefined) return undefined
    const version = await readVersion(place, n)
    if (version !== undefined) return version
  }
  throw new DeliverError(
    'failed',
    `${place.directory}: versions of ${place.name} vanish while they are read`,
    {
      fix: 'Check the file system, and that nothing else removes files there.',
    },
  )
}

/** Takes the number after `base`. A rejection leaves open whether it did. */
export async function appendVersion(
  place: VersionPlace,
  base: Version,
  text: string,
): Promise<Version | 'taken'> {
  const n = base.n + 1
  const made = await createDurably(pathOf(place, n), Buffer.from(text))
  if (made.outcome === 'exists') return 'taken'
  const below = await unless(['ENOENT'], stat(pathOf(place, base.n), { bigint: true }))
  if (below?.mtimeNs === base.mtimeNs) return { n, text, mtimeNs: made.mtimeNs }
  // Others are far ahead: nobody reads this one, whether or not it counted once.
  await unless(['ENOENT'], unlink(pathOf(place, n)))
  throw new DeliverError('failed', `${place.name} changed many times while it was written`, {
    fix: 'This process was suspended for too long. Run the command again.',
  })
}

/** Makes the first version of a document, unless there is one. */
export async function startVersions(place: VersionPlace, n: 0 | 1, text: string): Promise<void> {
  await createDurably(pathOf(place, n), Buffer.from(text))
}

export async function removeOldVersions(place: VersionPlace, newest: Version): Promise<void> {
  const old = (await numbers(place)).filter((n) => n <= newest.n - kept)
  for (const n of old) {
    const status = await unless(['ENOENT'], stat(pathOf(place, n), { bigint: true }))
    if (status === undefined) continue
    if (newest.mtimeNs - status.mtimeNs < keptForNs) return
    await unless(['ENOENT'], unlink(pathOf(place, n)))
  }
}

/** Ascending. */
async function numbers(place: VersionPlace): Promise<readonly number[]> {
  const entries = (await unless(['ENOENT'], readdir(place.directory))) ?? []
  return entries
    .filter((entry) => entry.startsWith(`${place.name}.`))
    .map((entry) => entry.slice(place.name.length + 1))
    .filter((rest) => /^(0|[1-9]\d{0,14})$/.test(rest))
    .map(Number)
    .sort((a, b) => a - b)
}

async function readVersion(place: VersionPlace, n: number): Promise<Version | undefined> {
  const file = await unless(['ENOENT', 'ESTALE'], open(pathOf(place, n), 'r'))
  if (file === undefined) return undefined
  try {
    const status = await file.stat({ bigint: true })
    if (status.size > largest) {
      throw new DeliverError(
        'precondition',
        `${dirname(place.directory)}: ${place.name} is larger than 1 MiB`,
        {
          fix: `Look at ${pathOf(place, n)}: it was not written by deliver.`,
        },
      )
    }
    return { n, text: await file.readFile('utf8'), mtimeNs: status.mtimeNs }
  } finally {
    await file.close()
  }
}
