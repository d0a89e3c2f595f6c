import { constants } from 'node:fs'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../../errors.js'
import { judgeKey, knownHostsLine } from './host-key.js'
import type { KeyOwner, KeyVerdict } from './host-key.js'
import { parseKnownHosts } from './known-hosts.js'
import type { KnownHost } from './known-hosts.js'

/**
 * The known_hosts files of this machine. Parsed files are kept while they don't change, and who asks while a file is being looked
 * at gets the same answer: the hosts of a fleet ask at once, each twice.
 */
export class KnownHostsFiles {
  readonly #underWay = new Map<string, Promise<readonly KnownHost[]>>()
  readonly #parsed = new Map<string, { stamp: string; entries: readonly KnownHost[] }>()
  #lastLearned: Promise<unknown> = Promise.resolve()

  /** The entries of several files, in order. A missing file has none; one that can't be read is an error. */
  async entries(files: readonly string[]): Promise<readonly KnownHost[]> {
    return (await Promise.all(files.map((file) => this.#entriesOf(file)))).flat()
  }

  /**
   * Stores a key that nobody vouches for yet, and reads the files again: only what is really stored is trusted, because
   * a key that was forgotten would be "new" at every deploy. One at a time, so that of two hosts that answer under
   * one name only the first is believed.
   */
  async learn(files: Files, owner: KeyOwner, key: Buffer): Promise<Learned> {
    const learned = this.#lastLearned.then(() => this.#learn(files, owner, key))
    this.#lastLearned = learned.catch(() => undefined)
    return learned
  }

  async #learn(files: Files, owner: KeyOwner, key: Buffer): Promise<Learned> {
    const all = [...files.user, ...files.global]
    const before = judgeKey(await this.#reread(all), owner, key)
    if (before.kind !== 'unknown') return { verdict: before, failures: [] }
    const failures: string[] = []
    for (const file of files.user) {
      try {
        await append(file, knownHostsLine(owner, key))
      } catch (error) {
        failures.push(`${file}: ${messageOf(error)}`)
        continue
      }
      const verdict = judgeKey(await this.#reread(all), owner, key)
      if (verdict.kind !== 'unknown') return { verdict, failures }
      failures.push(`${file}: the line was written, but isn't there`)
    }
    return { verdict: { kind: 'unknown' }, failures }
  }

  async #reread(files: readonly string[]): Promise<readonly KnownHost[]> {
    for (const file of files) {
      this.#parsed.delete(file)
      this.#underWay.delete(file)
    }
    return this.entries(files)
  }

  #entriesOf(file: string): Promise<readonly KnownHost[]> {
    const underWay = this.#underWay.get(file)
    if (underWay !== undefined) return underWay
    const looking = this.#look(file).finally(() => {
      if (this.#underWay.get(file) === looking) this.#underWay.delete(file)
    })
    this.#underWay.set(file, looking)
    return looking
  }

  async #look(file: string): Promise<readonly KnownHost[]> {
    try {
      const found = await stat(file)
      // /dev/null and the like hold no keys, and some devices never end.
      if (!found.isFile() && !found.isDirectory()) return []
      const { mtimeMs, size, ino } = found
      const stamp = `${mtimeMs} ${size} ${ino}`
      const kept = this.#parsed.get(file)
      if (kept?.stamp === stamp) return kept.entries
      const entries = parseKnownHosts(await readFile(file, 'utf8'), file)
      this.#parsed.set(file, { stamp, entries })
      return entries
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }
}

export interface Files {
  readonly user: readonly string[]
  readonly global: readonly string[]
}

export interface Learned {
  /** What the files say now. */
  readonly verdict: KeyVerdict
  /** Files that couldn't be written, with the reason. */
  readonly failures: readonly string[]
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** One write in append mode, so that several deployers can add lines at once without mixing them. */
async function append(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const handle = await open(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600)
  try {
    const { size } = await handle.stat()
    const last = Buffer.alloc(1, '\n')
    if (size > 0) await handle.read(last, 0, 1, size - 1)
    // The last line of a file edited by hand may lack its end; ours must not become part of it.
    const text = Buffer.from(last.toString() === '\n' ? `${line}\n` : `\n${line}\n`)
    const { bytesWritten } = await handle.write(text)
    if (bytesWritten !== text.length) throw new Error('the file system is full')
    await handle.datasync()
  } finally {
    await handle.close()
  }
}
