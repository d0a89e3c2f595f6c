// npm run test:integration [-- vitest arguments]: the tests that need real daemons and hosts; npm run test:faults: faults. What they
// need and this machine lacks is an error that names it; nothing is skipped in silence.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')

const [first, ...rest] = process.argv.slice(2)
const faults = first === '--faults'

/** Program -> Debian package. */
const tools = {
  ...(faults && process.env.DELIVER_FAULTS !== 'part' ? { fish: 'fish', tcsh: 'tcsh' } : {}),
  git: 'git',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-agent': 'openssh-client',
  sshd: 'openssh-server',
  debootstrap: 'debootstrap',
  'systemd-nspawn': 'systemd-container',
  ip: 'iproute2',
  flock: 'util-linux',
  mountpoint: 'util-linux',
  pgrep: 'procps',
  zstd: 'zstd',
  busybox: 'busybox-static',
  dash: 'dash',
  s3cmd: 's3cmd',
  haproxy: 'haproxy',
  strace: 'strace',
  // An AWS emulator: pip install 'moto[server]'
  moto_server: 'python3-pip',
}

function isInstalled(program) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function hasOverlay() {
  if (!/\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))) spawnSync('modprobe', ['overlay'])
  return /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))
}

function problems() {
  if (process.platform !== 'linux') return [`it needs Linux; this is ${process.platform}`]
  const found = []
  if (process.getuid() !== 0)
    found.push('it needs root, to boot hosts and run sshd: sudo npm run test:integration')
  const missing = Object.keys(tools).filter((program) => !isInstalled(program))
  const packages = [...new Set(missing.map((program) => tools[program]))]
  if (missing.length > 0)
    found.push(`not installed: ${missing.join(', ')}. apt-get install ${packages.join(' ')}`)
  if (!hasOverlay()) found.push('the kernel has no overlay file system')
  if (!existsSync(join(root, 'dist/bundle/cli.js'))) found.push('dist/ is not built: npm run build')
  return found
}

const found = problems()
if (found.length > 0) {
  console.error("These tests can't run on this machine:")
  for (const problem of found) console.error(`  - ${problem}`)
  process.exit(1)
}
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const suite = faults ? join(root, 'test/faults') : here
const words = faults ? rest : process.argv.slice(2)
const args = ['run', '--config', join(suite, 'vitest.config.ts'), ...words]
const ran = spawnSync(process.execPath, [vitest, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin` },
})
process.exitCode = ran.status ?? 1
