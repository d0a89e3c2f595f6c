import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import type { Git, TreeItem } from '../ports.js'
import { gitEnvironment, nulRecords, startGit } from './git-command.js'
import { objectId } from './git-refs.js'

/** What a tree of a commit has, itself and not below. None when there is no tree at the path. */
export async function readChildren(
  directory: string,
  commit: string,
  /** From the root of the tree. */
  path: string,
): Promise<readonly TreeItem[]> {
  const git = startGit({
    command: 'ls-tree',
    args: ['-z', '--full-tree', objectId(commit), ...(path === '' ? [] : ['--', `${path}/`])],
    cwd: directory,
    env: { ...gitEnvironment(process.env), GIT_LITERAL_PATHSPECS: '1' },
  })
  const lead = Buffer.from(path === '' ? '' : `${path}/`)
  const items: TreeItem[] = []
  for await (const record of nulRecords(git.stdout)) {
    const tab = record.indexOf(0x09)
    const [mode = '', , id = ''] = record.subarray(0, tab).toString('latin1').split(' ')
    const name = record.subarray(tab + 1)
    // A file of this name is shown for itself.
    if (!name.subarray(0, lead.length).equals(lead)) continue
    items.push({ mode: mode.replace(/^0+/, ''), id, name: Buffer.from(name.subarray(lead.length)) })
  }
  await git.succeeded
  return items
}

interface GitObject {
  readonly type: 'tree' | 'commit'
  readonly body: Buffer
}

/** The bytes of a tree of these entries, which are in git's order. Written in place: there are as many as files. */
export function treeBody(items: readonly TreeItem[]): Buffer {
  const length = items.reduce(
    (sum, { mode, name, id }) => sum + mode.length + name.length + id.length / 2 + 2,
    0,
  )
  const body = Buffer.allocUnsafe(length)
  let at = 0
  for (const { mode, name, id } of items) {
    at += body.write(`${mode} `, at, 'latin1')
    at += name.copy(body, at)
    at = body.writeUInt8(0, at)
    at += body.write(id, at, 'hex')
  }
  if (at !== length) throw new RangeError('an entry of a tree has an id or mode of another form')
  return body
}

export function objectIdOf(algorithm: Git['objectHash'], object: GitObject): string {
  return createHash(algorithm).update(encoded(object)).digest('hex')
}

/** As a loose object of a scratch repository. */
export async function writeObject(
  gitDir: string,
  algorithm: Git['objectHash'],
  object: GitObject,
): Promise<string> {
  const id = objectIdOf(algorithm, object)
  const directory = join(gitDir, 'objects', id.slice(0, 2))
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, id.slice(2)), deflateSync(encoded(object), { level: 1 }))
  return id
}

function encoded({ type, body }: GitObject): Buffer {
  return Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body])
}
