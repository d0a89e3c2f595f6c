import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test as vitest, vi } from 'vitest'
import { activate, confirm, prune } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { commandService, currentOf, expectCode, facts, packTree, ship, stageTree } from './steps.js'

/** In the place of the shell's own, which may be a link to the shell. */
function putProgram(host: LocalHost, name: string, script: string): void {
  rmSync(join(host.bin, name), { force: true })
  writeFileSync(join(host.bin, name), script, { mode: 0o755 })
}

/** A crontab that keeps what it is given, with a daemon that can be seen. */
function giveCrontab(host: LocalHost, table?: string): void {
  const file = join(host.home, 'table')
  if (table !== undefined) writeFileSync(file, table)
  const script = `#!/bin/sh\nif [ "$1" = -l ]; then exec cat '${file}'; fi\ncat >'${file}.new' && mv '${file}.new' '${file}'\n`
  putProgram(host, 'crontab', script)
  delete host.env['DELIVER_BOOT_GUARD']
}

const tableOf = (host: LocalHost): string => readFileSync(join(host.home, 'table'), 'utf8')

/** Something that is called cron. */
async function startCron(host: LocalHost): Promise<() => void> {
  const copy = join(host.home, 'daemon', 'cron')
  mkdirSync(join(host.home, 'daemon'))
  writeFileSync(copy, readFileSync('/bin/sleep'), { mode: 0o755 })
  const child = spawn(copy, ['60'])
  await vi.waitFor(() => expect(readFileSync(`/proc/${child.pid}/comm`, 'utf8')).toBe('cron\n'))
  return () => void child.kill()
}

async function onTrial(host: LocalHost, id = 'try'): Promise<string> {
  const packed = packTree(host, 'v2')
  expectCode(await stageTree(host, 'v2', { packed, id: 's' }), 0)
  const service = commandService('echo "$DELIVER_RELEASE" >>../../restarts; : "it\'s $HOME"')
  const call = activate({ fence: 1, release: 'v2', digest: packed.digest, id, guard: 600_000, service })
  expectCode(await host.call(call), 0)
  return packed.digest
}

/** What the boot runs, with a guard of a second instead of ten minutes. */
async function boot(host: LocalHost): Promise<void> {
  const script = host.at('.deliver/boot-guard.sh')
  const text = readFileSync(script, 'utf8')
  expect(text).toContain('guard=600')
  writeFileSync(script, text.replace('guard=600', 'guard=1'))
  const child = spawn('/bin/sh', ['-c', `exec sh '${script}'`], { env: { PATH: '/usr/bin:/bin' } })
  await new Promise((resolve) => child.once('exit', resolve))
}

/** There the agent would set up the guard on this machine. */
const bootable = process.getuid?.() === 0 && existsSync('/run/systemd/system')

onMostShells((makeHost, shell) => {
  // Debian's busybox takes its own crontab, whatever is on the PATH, and so this machine's.
  const test = vitest.skipIf(bootable || shell === 'busybox')

  test('a crontab gets one line, which stays one, beside those of others', async () => {
    const host = makeHost()
    giveCrontab(host, '# mine\n0 4 * * * backup\n')
    const stop = await startCron(host)
    await ship(host, 'v1')
    expect((await facts(host)).guardSurvives).toBe('reboot')
    await onTrial(host)
    await onTrial(host, 'again')
    stop()
    const lines = tableOf(host).trimEnd().split('\n')
    expect(lines).toEqual([
      '# mine',
      '0 4 * * * backup',
      expect.stringMatching(/^@reboot .*deliver-guard-\w{12}$/),
    ])
    expect(statSync(host.at('.deliver/boot-guard.sh')).mode & 0o777).toBe(0o600)
  })

  test('after a reboot nobody confirms: the host goes back by what the boot runs', async () => {
    const host = makeHost()
    giveCrontab(host)
    const stop = await startCron(host)
    await ship(host, 'v1')
    await onTrial(host)
    stop()
    await boot(host)
    expect(currentOf(host)).toBe('releases/v1')
    expect(readFileSync(host.at('restarts'), 'utf8')).toBe('v2\nv1\n')
    expect((await facts(host)).unconfirmed).toBeUndefined()
  })

  test('after a reboot of a host that was confirmed nothing happens', async () => {
    const host = makeHost()
    giveCrontab(host)
    const stop = await startCron(host)
    await ship(host, 'v1')
    await onTrial(host)
    stop()
    expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), 0)
    await boot(host)
    expect(currentOf(host)).toBe('releases/v2')
    expect(readFileSync(host.at('restarts'), 'utf8')).toBe('v2\n')
  })

  test('the line takes itself away once the target has gone', async () => {
    const host = makeHost()
    giveCrontab(host, '# mine\n')
    const stop = await startCron(host)
    await ship(host, 'v1')
    await onTrial(host)
    stop()
    const line = tableOf(host).trimEnd().split('\n').at(-1) ?? ''
    rmSync(host.at(), { recursive: true })
    const command = line.replace('@reboot ', '').replace('sleep 60', 'sleep 0')
    const child = spawn(join(host.bin, 'sh'), ['-c', command], { env: host.env })
    await new Promise((resolve) => child.once('exit', resolve))
    expect(tableOf(host)).toBe('# mine\n')
  })

  test('a crontab that does not keep the line promises nothing, and stops no deploy', async () => {
    const host = makeHost()
    giveCrontab(host)
    putProgram(host, 'crontab', '#!/bin/sh\nexit 1\n')
    const stop = await startCron(host)
    await ship(host, 'v1')
    await onTrial(host)
    stop()
    expect(currentOf(host)).toBe('releases/v2')
  })

  test('where the login forbids it, the guard lasts until a reboot', async () => {
    const host = makeHost()
    giveCrontab(host)
    host.env['DELIVER_BOOT_GUARD'] = 'off'
    const stop = await startCron(host)
    await ship(host, 'v1')
    expect((await facts(host)).guardSurvives).toBe('session')
    await onTrial(host)
    stop()
    expect(existsSync(host.at('.deliver/boot-guard.sh'))).toBe(false)
  })

  vitest('pruning leaves the agent that a guard needs', async () => {
    const host = makeHost()
    await ship(host, 'v1')
    await onTrial(host)
    const other = host.at('.deliver/agent-0123456789abcdef.sh')
    writeFileSync(other, '')
    expectCode(await host.call(prune({ fence: 1, keep: 3 })), 0)
    expect(existsSync(other)).toBe(true)
    expectCode(await host.call(confirm({ fence: 1, id: 'try', via: 'deploy' })), 0)
    expectCode(await host.call(prune({ fence: 1, keep: 3 })), 0)
    expect(readdirSync(host.at('.deliver')).filter((name) => name.startsWith('agent-'))).toHaveLength(1)
    expect(readlinkSync(host.at('current'))).toBe('releases/v2')
  })
})
