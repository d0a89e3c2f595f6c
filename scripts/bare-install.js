// Packs deliver, installs it into an empty directory without install scripts and development dependencies, and takes an app from a
// checkout to a sandbox host with it: npm run bare-install. Native addons were not built then, and nothing may need them.
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'deliver-bare-'))
const start = promisify(execFile)
const run = async (cwd, command, ...args) => (await start(command, args, { cwd, maxBuffer: 2 ** 26 })).stdout

try {
  const packed = JSON.parse(
    await run(root, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', scratch),
  )
  // The lockfile's own versions: a package is installed as it was tested.
  const tool = join(scratch, 'tool')
  mkdirSync(tool)
  await run(scratch, 'tar', '-xzf', packed[0].filename, '-C', tool, '--strip-components=1')
  copyFileSync(join(root, 'package-lock.json'), join(tool, 'package-lock.json'))
  await run(tool, 'npm', 'ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund')
  const deliver = join(tool, 'bin/deliver.js')
  const version = (await run(scratch, process.execPath, deliver, '--version')).trim()
  if (version !== JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
    throw new Error(`--version says ${version}`)
  console.log(`deliver ${version} runs without install scripts and development dependencies`)
  await ship(tool, deliver)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function ship(tool, deliver) {
  const { startSandbox } = await import('../dist/sandbox/sandbox.js')
  const sandbox = await startSandbox({ hosts: 1, appPort: 3000, directory: join(scratch, 'sandbox') })
  try {
    const app = join(scratch, 'app')
    mkdirSync(app)
    mkdirSync(join(scratch, 'store'))
    const server =
      "require('http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1')\n"
    writeFileSync(join(app, 'server.js'), server)
    const build = { setup: 'true', deps: [] }
    const store = { directory: join(scratch, 'store') }
    const config = { app: 'bare', build, archive: { format: 'tar.gz' }, store, ...sandbox.config }
    writeFileSync(join(app, 'deliver.config.json'), JSON.stringify(config))
    const identity = ['-c', 'user.name=bare', '-c', 'user.email=bare@localhost', '-c', 'commit.gpgsign=false']
    await run(app, 'git', 'init', '-q')
    await run(app, 'git', 'add', '-A')
    await run(app, 'git', ...identity, 'commit', '-qm', 'An app')
    const shipped = await run(app, process.execPath, deliver, '--plain', 'ship', '--tag', 'v1')
    console.log(shipped.trim().split('\n').at(-1))
  } finally {
    await sandbox.stop()
  }
}
