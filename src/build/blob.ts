import { createHash } from 'node:crypto'
import { readAtOnce, readExactly } from './read-exactly.js'

/** Of the clone: what its object ids are made with. */
export type ObjectHash = 'sha1' | 'sha256'

/** Larger files are streamed, so that memory is bounded. */
export const largestInMemory = 4 * 1024 * 1024

/** The id that git gives to this content. */
export function blobId(algorithm: ObjectHash, content: Buffer): string {
  return createHash(algorithm).update(`blob ${content.length}\0`).update(content).digest('hex')
}

/** For one file after another: each is read and hashed without a wait between, and memory of its own for each is a tenth of that work. */
const block = Buffer.allocUnsafe(1024 * 1024)

/** The same for a file, which must be as long as it was found to be. */
export async function blobIdOfFile(
  algorithm: ObjectHash,
  root: string,
  { path, size }: { readonly path: Buffer; readonly size: number },
): Promise<string> {
  if (size <= block.length) return blobId(algorithm, readAtOnce(root, { path, size }, block))
  const hash = createHash(algorithm).update(`blob ${size}\0`)
  for await (const chunk of readExactly(root, path, size)) hash.update(chunk)
  return hash.digest('hex')
}
