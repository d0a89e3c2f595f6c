import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** When releases were built in this clone. Neither tags nor archives can tell: both are the same whenever they are made. */
export interface BuildNote {
  readonly release: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Appended in one write, so that concurrent notes don't mix. */
export async function noteBuild(state: string, note: BuildNote): Promise<void> {
  await mkdir(state, { recursive: true })
  await appendFile(file(state), `${JSON.stringify(note)}\n`)
}

/** The last time of each release. A line that a crash cut short is passed over. */
export async function readBuildNotes(state: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(file(state), 'utf8').catch(() => '')
  const notes = new Map<string, number>()
  for (const line of text.split('\n')) {
    const note = parseNote(line)
    if (note !== undefined) notes.set(note.release, Math.max(note.at, notes.get(note.release) ?? 0))
  }
  return notes
}

/** Only under the repository's lock. */
export async function keepBuildNotes(state: string, notes: readonly BuildNote[]): Promise<void> {
  const temporary = `${file(state)}.new`
  await writeFile(temporary, notes.map((note) => `${JSON.stringify(note)}\n`).join(''))
  await rename(temporary, file(state))
}

function file(state: string): string {
  return join(state, 'builds.jsonl')
}

function parseNote(line: string): BuildNote | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('release' in value) || !('at' in value))
      return undefined
    const { release, at } = value
    return typeof release === 'string' && typeof at === 'number' ? { release, at } : undefined
  } catch {
    return undefined
  }
}
