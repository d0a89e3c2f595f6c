import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cQuote } from './c-quote.js'

export interface ScratchSpec {
  /** The directory that scratch repositories are made in. */
  readonly state: string
  /** The object directory of the clone, whose objects the scratch repository sees. */
  readonly objects: string
  readonly objectFormat: string
  /** Lines for `info/attributes`, which no attribute of a tree overrides. */
  readonly attributes?: Buffer
}

/** Left by a killed process. Anything younger may be at work. */
const staleAfter = 24 * 60 * 60 * 1000
const prefix = 'scratch-'

/**
 * Runs `use` with a bare repository that sees the clone's objects and nothing else of it: no config, hooks, refs or
 * attributes of the clone or the user. What it writes stays outside of the clone until it is moved in.
 */
export async function withScratchRepository<T>(
  spec: ScratchSpec,
  use: (gitDir: string) => Promise<T>,
): Promise<T> {
  await mkdir(spec.state, { recursive: true })
  await sweep(spec.state)
  const gitDir = join(spec.state, prefix + randomBytes(8).toString('hex'))
  try {
    await create(gitDir, spec)
    return await use(gitDir)
  } finally {
    await rm(gitDir, { recursive: true, force: true })
  }
}

/** By hand, for `git init` copies the user's template with its hooks. */
export async function create(gitDir: string, spec: ScratchSpec): Promise<void> {
  await mkdir(gitDir, { mode: 0o700 })
  for (const directory of ['objects', 'objects/info', 'objects/pack', 'refs', 'info']) {
    await mkdir(join(gitDir, directory))
  }
  const sha256 = spec.objectFormat === 'sha256'
  const config = ['[core]', `repositoryformatversion = ${sha256 ? 1 : 0}`, 'bare = true']
  if (sha256) config.push('[extensions]', 'objectFormat = sha256')
  await writeFile(join(gitDir, 'config'), config.join('\n') + '\n')
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n')
  const alternate = Buffer.concat([cQuote(Buffer.from(spec.objects)), Buffer.from('\n')])
  await writeFile(join(gitDir, 'objects/info/alternates'), alternate)
  if (spec.attributes !== undefined) await writeFile(join(gitDir, 'info/attributes'), spec.attributes)
}

async function sweep(state: string): Promise<void> {
  for (const name of await readdir(state)) {
    if (!name.startsWith(prefix)) continue
    const path = join(state, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > staleAfter) await rm(path, { recursive: true, force: true })
  }
}
