import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectHash } from './blob.js'
import type { DependencyTree, FileStamp } from './dependencies.js'
import type { Identified } from './identify.js'

/** What is known of files that were read before, like git's own index. */
export interface StampIndex {
  /** The blob id of a file, if it is provably as it was when that was found out. */
  idOf(path: Buffer, stamp: FileStamp | undefined): string | undefined
}

export const emptyIndex: StampIndex = { idOf: () => undefined }

/** One for each directory that an app is built in: the work trees of a clone share its state. */
export interface IndexPlace {
  /** Of the clone, as in GitLocation. */
  readonly state: string
  readonly directory: string
  readonly algorithm: ObjectHash
}

/** Reading fewer files takes no longer than reading an index. */
const worthwhile = 256
const version = 1

interface Row extends FileStamp {
  readonly id: string
}

/** One that is missing, damaged or of another version knows nothing. */
export async function readIndex(place: IndexPlace): Promise<StampIndex> {
  const text = await readFile(fileOf(place), 'latin1').catch(() => '')
  const end = text.indexOf('\n')
  const rows = text.slice(end + 1)
  if (text.slice(0, end) !== headOf(place, rows)) return emptyIndex
  const known = new Map<string, Row>()
  for (const line of rows.split('\0')) {
    const [id = '', size, mtimeMs, ctimeMs, ino, ...path] = line.split(' ')
    const stamp = { size: Number(size), mtimeMs: Number(mtimeMs), ctimeMs: Number(ctimeMs), ino: Number(ino) }
    known.set(path.join(' '), { id, ...stamp })
  }
  return {
    idOf(path, stamp) {
      const row = known.get(path.toString('latin1'))
      return row !== undefined && stamp !== undefined && isSame(row, stamp) ? row.id : undefined
    },
  }
}

/** `since`: before any of the files was read, by the clock of their disk; see diskTime. */
export async function writeIndex(
  place: IndexPlace,
  { tree, entries, since }: { tree: DependencyTree; entries: readonly Identified[]; since: number },
): Promise<void> {
  if (entries.length < worthwhile) return
  const rows: string[] = []
  for (const [at, entry] of tree.entries.entries()) {
    const stamp = tree.stamps.get(entry)
    const id = entries[at]?.id
    if (stamp === undefined || id === undefined || !isSettled(stamp, since)) continue
    const { size, mtimeMs, ctimeMs, ino } = stamp
    rows.push(`${id} ${size} ${mtimeMs} ${ctimeMs} ${ino} ${entry.path.toString('latin1')}`)
  }
  const text = rows.join('\0')
  const path = fileOf(place)
  await mkdir(join(place.state, 'index'), { recursive: true })
  const temporary = `${path}.${process.pid}.part`
  try {
    await writeFile(temporary, `${headOf(place, text)}\n${text}`, 'latin1')
    await rename(temporary, path)
  } catch {
    // It saves time, and nothing hangs on it.
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

/**
 * Now, in ms, by the clock of the disk that holds the clone if that is behind ours: what is written from now on can't have an earlier
 * time of change.
 */
export async function diskTime(state: string): Promise<number> {
  const now = Date.now()
  const probe = join(state, `clock.${process.pid}`)
  try {
    await mkdir(state, { recursive: true })
    await writeFile(probe, '')
    return Math.min(now, (await stat(probe)).ctimeMs)
  } catch {
    return now
  } finally {
    await rm(probe, { force: true }).catch(() => undefined)
  }
}

/** A tick of the kernel is 10 ms at most. Disks that count whole seconds, or pairs of them, show no fraction. */
const fineTick = 100
const coarseTick = 2_100

/**
 * Git's rule for "racy" files: what was written in the same tick in which it was read may be written again in that tick, and no
 * time would tell. The time of change is the kernel's; that of modification is what anybody says it is.
 */
function isSettled({ ctimeMs }: FileStamp, since: number): boolean {
  return ctimeMs < since - (ctimeMs % 1000 === 0 ? coarseTick : fineTick)
}

function isSame(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino
}

/** Says what it is of and that it is whole. */
function headOf({ directory, algorithm }: IndexPlace, rows: string): string {
  const hash = createHash('sha256').update(`${version} ${algorithm} ${directory}\n`).update(rows, 'latin1')
  return hash.digest('hex')
}

function fileOf({ state, directory }: IndexPlace): string {
  return join(state, 'index', createHash('sha256').update(directory).digest('hex').slice(0, 32))
}
