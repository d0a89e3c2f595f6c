import { createHash } from 'node:crypto'
import { impliedDirectories } from './paths.js'
import type { Manifest } from './release.js'

export function listingBytes(manifest: Manifest): Buffer {
  return Buffer.from([...listingRecords(manifest)].join(''), 'latin1')
}

/** The sha256 of the listing, in hex: what a host proves that its tree is. */
export function listingDigest(manifest: Manifest): string {
  const hash = createHash('sha256')
  for (const each of listingRecords(manifest)) hash.update(each, 'latin1')
  return hash.digest('hex')
}

/**
 * What a host can make of an unpacked tree with find, sort and sha256sum, to compare it byte for byte. Records end in NUL and
 * are sorted by bytes within four sections: `D ./path` each directory but the root, `F <sha256>  ./path` each file,
 * `X ./path` each executable file, and `L ./path` with `T target` for each symlink.
 *
 * With one character for each byte: texts are sorted faster than bytes, and in the same order.
 */
export function* listingRecords({ entries }: Manifest): Generator<string> {
  const names = entries.map(({ path }) => path.toString('latin1'))
  const directories = new Set(impliedDirectories(names))
  const files: string[] = []
  const executables: string[] = []
  const links: { readonly text: string; readonly target: string }[] = []
  for (const [at, entry] of entries.entries()) {
    const name = names[at] ?? ''
    if (entry.type === 'directory') directories.add(name)
    else if (entry.type === 'link')
      links.push({ text: `L ./${name}\0`, target: `T ${entry.target.toString('latin1')}\0` })
    else {
      files.push(`F ${entry.sha256}  ./${name}\0`)
      if (entry.executable) executables.push(`X ./${name}\0`)
    }
  }
  // The final NUL takes part and does no harm: it is the least of all bytes, so a path comes before what is longer, as in sort -z.
  yield* [...directories].map((name) => `D ./${name}\0`).sort()
  yield* files.sort()
  yield* executables.sort()
  for (const { text, target } of links.sort((a, b) => (a.text < b.text ? -1 : 1))) yield* [text, target]
}
