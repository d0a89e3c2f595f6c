/** Releases as files: a tree, its archive, and its listing, worked out independently of the agent. */
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** `dir/`: a directory, `x!`: executable, `{ link }`: a link, else a file. */
export type Tree = Readonly<Record<string, string | { readonly link: string }>>

export interface Packed {
  readonly archive: Buffer
  readonly listing: Buffer
  readonly digest: string
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function plant(root: string, tree: Tree): void {
  mkdirSync(root, { recursive: true })
  for (const [name, content] of Object.entries(tree)) {
    const executable = name.endsWith('!')
    const path = join(root, executable ? name.slice(0, -1) : name)
    mkdirSync(dirname(path), { recursive: true })
    if (name.endsWith('/')) mkdirSync(path, { recursive: true })
    else if (typeof content !== 'string') symlinkSync(content.link, path)
    else {
      writeFileSync(path, content)
      chmodSync(path, executable ? 0o755 : 0o644)
    }
  }
}

export function pack(root: string, options: ExecFileSyncOptions = {}): Packed {
  const listing = listingOf(root)
  const archive = archiveOf(root, options)
  return { archive, listing, digest: sha256(listing) }
}

/** The listing of a directory, from the definition in src/release/listing.ts. */
export function listingOf(root: string): Buffer {
  const found: { D: Buffer[]; F: Buffer[]; X: Buffer[]; L: Buffer[][] } = { D: [], F: [], X: [], L: [] }
  const walk = (path: Buffer): void => {
    for (const name of readdirSync(Buffer.concat([Buffer.from(root), path.subarray(1)]), {
      encoding: 'buffer',
    })) {
      const below = Buffer.concat([path, Buffer.from('/'), name])
      const real = Buffer.concat([Buffer.from(root), below.subarray(1)])
      const stat = lstatSync(real)
      if (stat.isDirectory()) {
        found.D.push(record('D ', below))
        walk(below)
      } else if (stat.isSymbolicLink()) {
        found.L.push([record('L ', below), record('T ', readlinkSync(real, { encoding: 'buffer' }))])
      } else {
        found.F.push(record(`F ${sha256(readFileSync(real))}  `, below))
        if ((stat.mode & 0o100) !== 0) found.X.push(record('X ', below))
      }
    }
  }
  walk(Buffer.from('.'))
  const byBytes = (a: Buffer, b: Buffer): number => a.compare(b)
  const links = found.L.sort(([a = Buffer.of()], [b = Buffer.of()]) => a.compare(b)).flat()
  return Buffer.concat([
    ...found.D.sort(byBytes),
    ...found.F.sort(byBytes),
    ...found.X.sort(byBytes),
    ...links,
  ])
}

function record(kind: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), path, Buffer.of(0)])
}

export function archiveOf(root: string, options: ExecFileSyncOptions = {}): Buffer {
  return execFileSync('tar', ['-cf', '-', '-C', root, '.'], {
    ...options,
    encoding: 'buffer',
    maxBuffer: 2 ** 31,
  })
}
