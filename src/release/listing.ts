import { createHash } from 'node:crypto'
import { impliedDirectories } from './paths.js'
import type { Manifest } from './release.js'

/**
 * What a host can make of an unpacked tree with find, sort and sha256sum, to compare it byte for byte. Records end in NUL and
 * are sorted by bytes within four sections: `D ./path` each directory but the root, `F <sha256>  ./path` each file,
 * `X ./path` each executable file, and `L ./path` with `T target` for each symlink.
 */
export function* listingRecords(manifest: Manifest): Generator<Buffer> {
  const directories: Buffer[] = [...impliedDirectories(manifest.entries.map((entry) => entry.path))]
  const files: Buffer[] = []
  const executables: Buffer[] = []
  const links: { record: Buffer; target: Buffer }[] = []
  for (const entry of manifest.entries) {
    if (entry.type === 'directory') directories.push(entry.path)
    else if (entry.type === 'link')
      links.push({ record: record('L ./', entry.path), target: record('T ', entry.target) })
    else {
      files.push(record(`F ${entry.sha256}  ./`, entry.path))
      if (entry.executable) executables.push(record('X ./', entry.path))
    }
  }
  const known = new Map(directories.map((path) => [path.toString('latin1'), record('D ./', path)]))
  yield* [...known.values()].sort(byBytes)
  yield* files.sort(byBytes)
  yield* executables.sort(byBytes)
  for (const link of links.sort((a, b) => byBytes(a.record, b.record))) yield* [link.record, link.target]
}

export function listingBytes(manifest: Manifest): Buffer {
  return Buffer.concat([...listingRecords(manifest)])
}

/** The sha256 of the listing, in hex: what a host proves that its tree is. */
export function listingDigest(manifest: Manifest): string {
  const hash = createHash('sha256')
  for (const each of listingRecords(manifest)) hash.update(each)
  return hash.digest('hex')
}

function record(lead: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(lead), bytes, nul])
}

// The final NUL takes part and does no harm: it is the least of all bytes, so a path comes before what is longer, as in sort -z.
function byBytes(a: Buffer, b: Buffer): number {
  return a.compare(b)
}

const nul = Buffer.alloc(1)
