// Makes dist/bundle/ of the modules in dist/: what a command loads is then a few dozen files instead of some hundred, without the parts of packages
// that nobody uses (zod's messages in sixty languages). Code that is loaded lazily stays apart.
import { basename, dirname, join, relative } from 'node:path'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist')

/** Packages of many small files, which take longer to find than to run. All others are loaded from where they are installed. */
const taken = /^(zod|execa)(\/|$)/

function isExternal(id, importer = '') {
  if (id.startsWith('node:')) return true
  // Whatever a package that is taken imports comes with it.
  if ((importer !== '' && !importer.startsWith(dist)) || /^[./]/.test(id)) return false
  return !taken.test(id)
}

/** A file is found by the path of the module that gave it its name: bundle/commands/status.js. */
function nameOf({ moduleIds, name }) {
  const module = moduleIds.findLast((id) => basename(id, '.js') === name)
  const path = module === undefined ? '..' : relative(dist, module)
  return path.startsWith('..') ? `packages/${name}.js` : path
}

export async function bundle() {
  const made = await rolldown({
    input: { cli: join(dist, 'cli.js'), index: join(dist, 'index.js') },
    platform: 'node',
    external: isExternal,
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  rmSync(join(dist, 'bundle'), { recursive: true, force: true })
  await made.write({
    dir: join(dist, 'bundle'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: nameOf,
  })
}
