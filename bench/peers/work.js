import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createApp } from '../app.js'

const execute = promisify(execFile)

/** About 24 000 files and 370 MB. The second release bumps four of these, and changes three files of the app's own. */
const first = {
  ...{ express: '5.0.0', lodash: '4.17.20', webpack: '5.94.0', eslint: '9.10.0' },
  ...{ next: '15.1.0', react: '19.0.0', 'react-dom': '19.0.0', typescript: '5.7.2', sharp: '0.33.5' },
  ...{ '@aws-sdk/client-s3': '^3', '@aws-sdk/client-dynamodb': '^3', 'date-fns': '4.1.0' },
}
const second = { ...first, express: '5.0.1', lodash: '4.17.21', webpack: '5.97.1', eslint: '9.16.0' }

const server = (release) => `// ${release}
require('node:http')
  .createServer((request, response) => response.end(${JSON.stringify(release)}))
  .listen(process.env.PORT)
`

/**
 * Two work trees, made once and kept in `cache`: `r1` and `r2`. Files that both have keep their times, as in a checkout in which
 * `npm install` was run again. `from` tells where the content comes from.
 */
export async function makeWork(cache, { small }) {
  const recipe = await readFile(new URL(import.meta.url), 'utf8')
  const hash = createHash('sha256').update(recipe).update(String(small)).digest('hex').slice(0, 12)
  const target = join(cache, `bench-work-${hash}`)
  if (!existsSync(target)) {
    const making = `${target}.${process.pid}`
    await rm(making, { recursive: true, force: true })
    await mkdir(making, { recursive: true })
    const from = small ? await generate(making, { files: 2400, bytes: 36e6 }) : await install(making)
    await writeFile(join(making, 'from'), from)
    await rename(making, target)
  }
  return {
    r1: join(target, 'r1'),
    r2: join(target, 'r2'),
    from: await readFile(join(target, 'from'), 'utf8'),
  }
}

async function install(directory) {
  const [r1, r2] = [join(directory, 'r1'), join(directory, 'r2')]
  try {
    await npmInstall(r1, first)
    await cp(r1, r2, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await npmInstall(r2, second)
    await writeOwn(r1, 'r1')
    await writeOwn(r2, 'r2')
    return 'npm packages from the registry'
  } catch (error) {
    process.stderr.write(
      `no packages from the registry (${String(error).slice(0, 200)}): the work is generated\n`,
    )
    for (const each of [r1, r2]) await rm(each, { recursive: true, force: true })
    return generate(directory, { files: 24_000, bytes: 364e6 })
  }
}

async function npmInstall(directory, dependencies) {
  await mkdir(directory, { recursive: true })
  const description = { name: 'bench', version: '1.0.0', private: true, dependencies }
  await writeFile(join(directory, 'package.json'), JSON.stringify(description, undefined, 2))
  await execute('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
    cwd: directory,
  })
}

async function writeOwn(directory, release) {
  await mkdir(join(directory, 'lib'), { recursive: true })
  await writeFile(join(directory, 'server.js'), server(release))
  await writeFile(join(directory, 'lib', 'routes.js'), `module.exports = '${release}'\n`)
  await writeFile(join(directory, 'lib', 'views.js'), `module.exports = ['${release}']\n`)
}

async function generate(directory, size) {
  const [r1, r2] = [join(directory, 'r1'), join(directory, 'r2')]
  const app = createApp(r1, size)
  await writeOwn(r1, 'r1')
  await cp(r1, r2, { recursive: true, preserveTimestamps: true })
  // One in seventy-two of the installed files.
  app.changeIn(r2, 72)
  await writeOwn(r2, 'r2')
  for (const each of [r1, r2]) await rm(join(each, '.git'), { recursive: true })
  return 'generated files'
}

/** Files and bytes of a tree, and what of it another lacks. */
export async function compareTrees(from, to) {
  const [had, has] = [await readTree(from), await readTree(to)]
  const changed = [...has].filter(([path, { digest }]) => had.get(path)?.digest !== digest)
  const bytes = (entries) => entries.reduce((sum, [, { size }]) => sum + size, 0)
  return {
    files: has.size,
    bytes: bytes([...has]),
    changed: changed.map(([path]) => path),
    changedBytes: bytes(changed),
  }
}

async function readTree(directory) {
  const found = new Map()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath ?? entry.path, entry.name)
    const content = await readFile(path)
    const digest = createHash('sha256').update(content).digest('hex')
    found.set(path.slice(directory.length + 1), { size: content.length, digest })
  }
  return found
}
