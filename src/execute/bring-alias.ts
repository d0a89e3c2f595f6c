import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Alias, AliasContent, Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import type { Encoding } from '../remote/verbs.js'
import { releaseKeys } from '../store/layout.js'
import { fetchBody, writeBody } from './local-body.js'
import { encodings } from './material.js'
import { makePrivateDirectory } from './private-directory.js'
import { decompress } from '../build/decompressor.js'
import { recompress } from './recompress.js'

export interface BringAlias {
  readonly store: Store
  readonly alias: Alias
  /** As the config has it: its end says how its bytes are packed. */
  readonly key: string
  readonly record: ReleaseRecord
  readonly signal?: AbortSignal
}

/** Sees to it that the alias holds a release. Says whether it had to be written. */
export async function bringAlias({ store, alias, key, record, signal }: BringAlias): Promise<boolean> {
  if (await aliasHolds({ alias, key, record })) return false
  const content = contentFor(key, record)
  const directory = await makePrivateDirectory(Date.now())
  try {
    const file = await packedFor({ store, key, record, directory, signal })
    await alias.replace(file, content, signal)
    return true
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Whether it holds a release already. */
export function aliasHolds({ alias, key, record }: Omit<BringAlias, 'store' | 'signal'>): Promise<boolean> {
  return alias.holds(contentFor(key, record))
}

interface Pack extends Omit<BringAlias, 'alias' | 'signal'> {
  readonly directory: string
  readonly signal: AbortSignal | undefined
}

/** A file with the archive, packed as the key says, verified against the record on the way. */
async function packedFor({ store, key, record, directory, signal }: Pack): Promise<string> {
  const { format } = record.archive
  const { archive } = releaseKeys(record.app, record.release, { format, manifestFile: record.manifest.file })
  const file = join(directory, 'archive')
  const published = await fetchBody(store, archive, file, {
    expected: record.archive,
    ...(signal === undefined ? {} : { signal }),
  })
  const wanted = encodingOf(key, record)
  if (wanted === encodings[format]) return file
  const repacked = join(directory, 'repacked')
  await writeBody(repacked, recompress(published.open(), encodings[format], wanted))
  return repacked
}

/** Scripts of old take the alias apart by its name, whatever releases are packed with. */
export function encodingOf(key: string, record: ReleaseRecord): Encoding {
  if (key.endsWith('.tar')) return 'none'
  if (key.endsWith('.tar.gz') || key.endsWith('.tgz')) return 'gzip'
  return key.endsWith('.tar.zst') ? 'zstd' : encodings[record.archive.format]
}

function contentFor(key: string, record: ReleaseRecord): AliasContent {
  const encoding = encodingOf(key, record)
  return {
    label: `1 ${record.app} ${record.release} ${encoding} ${record.tar.sha256}`,
    async matches(bytes) {
      // Another compressor may have packed it: what counts is the tar.
      const hash = createHash('sha256')
      try {
        for await (const chunk of decompress(bytes, encoding)) hash.update(chunk)
      } catch {
        return false
      } finally {
        bytes.destroy()
      }
      return hash.digest('hex') === record.tar.sha256
    },
  }
}
