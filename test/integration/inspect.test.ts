import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../fixtures/app.js'
import { inspectWorld, type Expectation, type World } from './inspect.js'
import { mustRun } from './rig/command.js'
import { startHosts, type HostRig } from './rig/systemd-hosts.js'
import { ask } from './rig/traffic.js'

/** A world made by hand, with the tools of the system, as a deploy ought to leave it. */
let rig: HostRig
let scratch: string
let world: World
const good: Expectation = { current: 'v1', pointer: 'v1', keep: 1 }

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'inspect-test-'))
  rig = await startHosts(1)
  const app = await createApp(join(scratch, 'app'), 'small')
  await app.change('v1')
  await mustRun('./app', ['setup'], { cwd: app.directory, env: { ...process.env, ...app.env } })
  const store = { directory: join(scratch, 'store'), app: 'api', environment: 'production' }
  const archive = join(store.directory, 'api/releases/v1/archive.tar')
  await mkdir(join(archive, '..'), { recursive: true })
  await mkdir(join(store.directory, 'api/production'), { recursive: true })
  await mustRun('tar', [
    '-C',
    app.directory,
    '--exclude=./.git',
    '--owner=0',
    '--group=0',
    '-cf',
    archive,
    '.',
  ])
  const sha256 = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex')
  await writeFile(join(archive, '../release.json'), JSON.stringify({ archive: { sha256 } }))
  await writeFile(join(store.directory, 'api/production/current.json'), '{"release":"v1"}')
  const { host } = only()
  const unpack =
    'cd /srv/api && mkdir -p releases/v1 && tar -C releases/v1 -xf - && ln -s releases/v1 current'
  expect(await host.ssh(unpack, { input: await readFile(archive) })).toMatchObject({ code: 0 })
  expect(await host.ssh('sudo -n systemctl restart api')).toMatchObject({ code: 0 })
  const { name, targetPath } = host
  const shell = (...args: Parameters<typeof host.sshAsRoot>) => host.sshAsRoot(...args)
  world = { hosts: [{ name, targetPath, shell, unit: 'api' }], store }
})
afterAll(async () => {
  await rig.stop()
  await rm(scratch, { recursive: true, force: true })
})

function only() {
  const [host] = rig.hosts
  if (host === undefined) throw new Error('no host')
  return { host }
}

test('a world in order has nothing to complain about, and its app answers', async () => {
  await expect
    .poll(() => ask(`${only().host.address}:3000`, '/health'))
    .toMatchObject({ release: 'v1', host: 'web1' })
  expect(await inspectWorld(world, good)).toEqual([])
})

const odd = 'releases/v1/node_modules/odd'
test.each([
  {
    what: 'a changed byte',
    damage: `printf X > ${odd}/empty`,
    undo: `: > ${odd}/empty`,
    says: /odd\/empty" is f .*, not f/,
  },
  {
    what: 'a lost exec bit',
    damage: `chmod 644 ${odd}/tool`,
    undo: `chmod 755 ${odd}/tool`,
    says: /tool" is f .*, not x/,
  },
  {
    what: 'a link led elsewhere',
    damage: `ln -sfn empty ${odd}/link`,
    undo: `ln -sfn tool ${odd}/link`,
    says: /link" is l empty, not l tool/,
  },
  {
    what: 'a file too many',
    damage: `: > ${odd}/more`,
    undo: `rm ${odd}/more`,
    says: /more" is one too many/,
  },
  {
    what: 'a lost odd name',
    damage: `mv ${odd}/deep/-rf ~/x`,
    undo: `mv ~/x ${odd}/deep/-rf`,
    says: /-rf" is missing/,
  },
  {
    what: 'a current without release',
    damage: 'ln -sfn releases/v2 current',
    undo: 'ln -sfn releases/v1 current',
    says: /leads to releases\/v2/,
  },
  {
    what: 'a current that is no link',
    damage: 'mv current ~/c; mkdir current',
    undo: 'rmdir current; mv ~/c current',
    says: /current is not a link/,
  },
  {
    what: 'scratch',
    damage: 'mkdir -p .deliver/incoming/v2.x',
    undo: 'rm -r .deliver',
    says: /left behind: .*v2\.x/,
  },
  {
    what: 'a forgotten temporary',
    damage: 'ln -s releases/v1 .current.tmp',
    undo: 'rm .current.tmp',
    says: /left behind: .current.tmp/,
  },
  {
    what: 'an unconfirmed switch',
    damage: 'mkdir .deliver; echo unconfirmed 1 v1 - > .deliver/state',
    undo: 'rm -r .deliver',
    says: /left behind: unconfirmed 1 v1/,
  },
  {
    what: 'a second release',
    damage: 'mkdir releases/v0',
    undo: 'rmdir releases/v0',
    says: /2 releases where 1 are kept/,
  },
])('$what is found, and only that', async ({ damage, undo, says }) => {
  const { host } = only()
  const inside = (line: string) => host.ssh(`cd /srv/api && ${line}`)
  await inside(damage)
  const found = (await inspectWorld(world, { pointer: 'v1', keep: 1 })).filter(
    (each) => !each.includes(' runs in '),
  )
  expect(await inside(undo)).toMatchObject({ code: 0, stderr: '' })
  expect(found).toEqual([expect.stringMatching(says)])
})

test('undone, the damage leaves no trace', async () => {
  expect(await inspectWorld(world, good)).toEqual([])
})

test('a process that runs from another release is found', async () => {
  const { host } = only()
  await host.ssh('cd /srv/api && cp -a releases/v1 releases/v2 && ln -sfn releases/v2 current')
  expect(await inspectWorld(world, { current: 'v2' })).toEqual([
    expect.stringMatching(/api \(pid \d+\) runs in \/srv\/api\/releases\/v1, not in/),
  ])
  await host.ssh('cd /srv/api && ln -sfn releases/v1 current && rm -r releases/v2')
})

test('a held lock, a foreign pointer and a damaged archive are found', async () => {
  const environment = join(world.store.directory, 'api/production')
  await writeFile(join(environment, 'lock.json'), '{"owner":"somebody"}')
  await writeFile(join(environment, 'current.json'), '{"release":"v9"}')
  expect(await inspectWorld(world, good)).toEqual([
    'store: the pointer names v9, not v1',
    'store: v9 is not published',
    'store: the lock is held: {"owner":"somebody"}',
  ])
  await writeFile(join(environment, 'lock.json'), '{"released":true}')
  await writeFile(join(environment, 'current.json'), '{"release":"v1"}')
  await writeFile(join(world.store.directory, 'api/releases/v1/release.json'), '{"archive":{"sha256":"00"}}')
  expect(await inspectWorld(world, good)).toEqual([expect.stringMatching(/has sha256 \w{64}, not 00/)])
})
