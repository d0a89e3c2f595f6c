import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createDeflate, deflate } from 'node:zlib'
import { type NewBlob } from '../ports.js'
import { blobId, largestInMemory, type ObjectHash } from './blob.js'
import type { Identified } from './identify.js'
import { changed, readAtOnce, readExactly } from './read-exactly.js'

const compressed = promisify(deflate)
/** Fast, and halves what packages weigh at the least. */
const options = { level: 1 }

/** Node's pool has four threads. Twice as many files keep it busy, and bound what is in memory. */
const ahead = 8

/**
 * The contents of those that are missing, each once, compressed on all cores. What is read now must have the id that was found
 * before: the tree names it.
 */
export async function* newBlobs(
  { root, algorithm }: { readonly root: string; readonly algorithm: ObjectHash },
  entries: readonly Identified[],
  missing: ReadonlySet<string>,
): AsyncGenerator<NewBlob> {
  const wanted = [
    ...new Map(entries.filter(({ id }) => missing.has(id)).map((each) => [each.id, each])).values(),
  ]
  const started: Promise<NewBlob>[] = []
  for (let next = 0; next < wanted.length || started.length > 0;) {
    const entry = wanted[next]
    if (entry !== undefined && started.length < ahead) {
      next++
      const blob = compress({ root, algorithm }, entry)
      // A failure is told when its turn comes, or another's was first.
      blob.catch(() => undefined)
      started.push(blob)
      continue
    }
    const first = await started.shift()
    if (first !== undefined) yield first
  }
}

async function compress(
  { root, algorithm }: { readonly root: string; readonly algorithm: ObjectHash },
  entry: Identified,
): Promise<NewBlob> {
  const { id } = entry
  if (entry.type === 'file' && entry.size > largestInMemory) {
    const { path, size } = entry
    return { id, size, deflated: streamed(checked(root, { path, size, id }, algorithm)) }
  }
  const content = entry.type === 'link' ? entry.target : readAtOnce(root, entry)
  if (blobId(algorithm, content) !== id) throw changed(entry.path, 'was written to')
  return { id, size: content.length, deflated: [await compressed(content, options)] }
}

async function* streamed(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const stream = createDeflate({ ...options, chunkSize: 256 * 1024 })
  const fed = pipeline(content, stream)
  // Told by the stream that it destroys, or below.
  fed.catch(() => undefined)
  yield* stream as AsyncIterable<Buffer>
  await fed
}

async function* checked(
  root: string,
  { path, size, id }: { readonly path: Buffer; readonly size: number; readonly id: string },
  algorithm: ObjectHash,
): AsyncGenerator<Buffer> {
  const hash = createHash(algorithm).update(`blob ${size}\0`)
  for await (const chunk of readExactly(root, path, size)) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== id) throw changed(path, 'was written to')
}
