import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineConfig } from '../../src/index.js'
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js'
import { connectThrough, login, open, run } from './client.js'
import { eventually, scratchDirectory, scratchSandbox } from './scratch.js'

const server = `
  const { createServer } = require('node:http')
  createServer((_, res) => res.end(process.env.HOST_NAME)).listen(process.env.PORT)
`

async function installApp(sandbox: Sandbox): Promise<void> {
  for (const host of sandbox.hosts) {
    const release = join(host.directory, 'app', 'releases', 'v1')
    await mkdir(release, { recursive: true })
    await writeFile(join(release, 'server.js'), server)
    await symlink('releases/v1', join(host.directory, 'app', 'current'))
  }
}

async function startApps(sandbox: Sandbox): Promise<void> {
  for (const index of sandbox.hosts.keys()) {
    const client = await login(sandbox, index)
    expect(await run(client, 'service restart')).toMatchObject({ code: 0 })
    await eventually('the app answers', () =>
      connectThrough(client, 'localhost', 3000).then(
        () => true,
        () => false,
      ),
    )
    client.end()
  }
}

/** Processes, other than zombies, that carry this sandbox's mark; where there is no /proc, none. */
async function marked(sandbox: Sandbox): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc').catch(() => [])) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.includes(`DELIVER_SANDBOX=${sandbox.directory}\0`)) found.push(pid)
  }
  return found
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

const codesOf = async (sandbox: Sandbox, command: string) => {
  const client = await login(sandbox)
  const ended = await run(client, command)
  client.end()
  return ended
}

describe('start', () => {
  test('keys are private, the config is one that defineConfig takes', async () => {
    const sandbox = await scratchSandbox({ hosts: 3 })
    expect((await stat(sandbox.identityFile)).mode & 0o777).toBe(0o600)
    expect((await stat(sandbox.directory)).mode & 0o777).toBe(0o700)
    const config = defineConfig({ app: 'hello', ...sandbox.config })
    expect(config.fleet.hosts.map(({ name, port }) => [name, port])).toEqual(
      sandbox.hosts.map(({ name, sshPort }) => [name, sshPort]),
    )
    expect(config.health).toEqual({ http: 'http://localhost:3000/health', minUptime: '2s' })
    expect(new Set(sandbox.hosts.flatMap(({ sshPort, appPort }) => [sshPort, appPort])).size).toBe(6)
  })

  test('two sandboxes at once don’t meet: ports, keys, apps', async () => {
    const [one, two] = await Promise.all([scratchSandbox({ hosts: 2 }), scratchSandbox({ hosts: 2 })])
    expect(new Set([...one.hosts, ...two.hosts].map(({ appPort }) => appPort)).size).toBe(4)
    await Promise.all([installApp(one), installApp(two)])
    await Promise.all([startApps(one), startApps(two)])
    await one.stop()
    expect(await Promise.all(one.hosts.map(({ appPort }) => accepts(appPort)))).toEqual([false, false])
    expect(await Promise.all(two.hosts.map(({ appPort }) => accepts(appPort)))).toEqual([true, true])
    const stranger = { privateKey: await readFile(one.identityFile) }
    await expect(login(two, 0, stranger)).rejects.toThrow('authentication')
    await two.stop()
  })

  test('again on the same directory: same keys, ports and files', async () => {
    const directory = join(await scratchDirectory(), 'deep', 'er')
    const first = await scratchSandbox({ directory, hosts: 2 })
    await codesOf(first, 'echo mine >note')
    const known = await readFile(first.knownHostsFile, 'utf8')
    await first.stop()
    const second = await scratchSandbox({ directory, hosts: 2 })
    expect(second.hosts).toEqual(first.hosts)
    expect(await readFile(second.knownHostsFile, 'utf8')).toBe(known)
    expect(String((await codesOf(second, 'cat note')).stdout)).toBe('mine\n')
  })

  test('again from the beginning: same keys and ports, and nothing that was deployed or published', async () => {
    const directory = await scratchDirectory()
    const first = await scratchSandbox({ directory, hosts: 2 })
    await codesOf(first, 'mkdir -p app/releases/v1; echo mine >note')
    await mkdir(join(directory, 'store', 'hello'), { recursive: true })
    await writeFile(join(directory, 'mine'), 'stays')
    await first.stop()
    const second = await scratchSandbox({ directory, hosts: 1, fresh: true })
    expect(second.hosts).toEqual(first.hosts.slice(0, 1))
    expect(await readFile(second.knownHostsFile, 'utf8')).toContain(String(first.hosts[0]?.sshPort))
    expect((await readdir(directory)).sort()).toEqual(['keys', 'mine', 'state.json', 'web1'])
    expect(String((await codesOf(second, 'ls')).stdout)).toBe('bin\netc\n')
  })

  test('from the beginning, where no sandbox has been: what is called like its own is left alone', async () => {
    const directory = await scratchDirectory()
    for (const name of ['store', 'web2']) {
      await mkdir(join(directory, name))
      await writeFile(join(directory, name, 'mine'), 'stays')
    }
    await scratchSandbox({ directory, hosts: 1, fresh: true })
    for (const name of ['store', 'web2'])
      expect(await readFile(join(directory, name, 'mine'), 'utf8')).toBe('stays')
  })

  test('again, when somebody else has the port: another one, and known_hosts says so', async () => {
    const directory = join(await scratchDirectory(), 'sandbox')
    const first = await scratchSandbox({ directory })
    await first.stop()
    const squatter = createServer().listen(first.hosts[0]!.sshPort, '127.0.0.1')
    await once(squatter, 'listening')
    const second = await scratchSandbox({ directory })
    squatter.close()
    expect(second.hosts[0]!.sshPort).not.toBe(first.hosts[0]!.sshPort)
    expect(await readFile(second.knownHostsFile, 'utf8')).toContain(
      `[127.0.0.1]:${second.hosts[0]!.sshPort} ssh-ed25519 `,
    )
  })

  test.each(['', '{', 'null', '{"pid":"x","sshPorts":{"web1":-1}}', '{"sshPorts":[7]}', '{"pid":1}'])(
    'a spoilt state.json %j is as none',
    async (text) => {
      const directory = join(await scratchDirectory(), 'sandbox')
      await mkdir(directory, { mode: 0o700 })
      await writeFile(join(directory, 'state.json'), text)
      expect(await codesOf(await scratchSandbox({ directory }), 'exit 3')).toMatchObject({ code: 3 })
    },
  )
})

describe('refused', () => {
  test('a second sandbox in the directory of one that runs', async () => {
    const sandbox = await scratchSandbox()
    await expect(startSandbox({ ...sandbox, hosts: 1, appPort: 3000 })).rejects.toMatchObject({
      kind: 'precondition',
      message: expect.stringContaining(`process ${process.pid} already runs one`) as unknown,
    })
    expect(await codesOf(sandbox, 'exit 3')).toMatchObject({ code: 3 })
  })

  test('a directory that others may write to, or that is a link', async () => {
    const base = await scratchDirectory()
    await mkdir(join(base, 'open'))
    await chmod(join(base, 'open'), 0o777)
    await symlink('elsewhere', join(base, 'link'))
    await mkdir(join(base, 'elsewhere'), { mode: 0o700 })
    for (const name of ['open', 'link']) {
      await expect(
        startSandbox({ directory: join(base, name), hosts: 1, appPort: 3000 }),
      ).rejects.toMatchObject({
        kind: 'precondition',
      })
    }
    expect(existsSync(join(base, 'elsewhere', 'keys'))).toBe(false)
  })

  test.each([
    { hosts: 0 },
    { hosts: 1.5 },
    { hosts: 1000 },
    { hosts: NaN },
    { appPort: 0 },
    { appPort: 70_000 },
    { start: ' ' },
    { start: 'a\0b' },
  ])('%j', async (wrong) => {
    const directory = join(await scratchDirectory(), 'never')
    await expect(startSandbox({ directory, hosts: 1, appPort: 3000, ...wrong })).rejects.toMatchObject({
      kind: 'usage',
    })
    expect(existsSync(directory)).toBe(false)
  })

  test('a directory that a PATH cannot name: its service would not be found', async () => {
    const directory = join(await scratchDirectory(), 'a:b')
    await expect(startSandbox({ directory, hosts: 1, appPort: 3000 })).rejects.toMatchObject({
      kind: 'usage',
    })
  })

  test('a host directory that can’t be written: the hosts that had started are stopped', async () => {
    const directory = join(await scratchDirectory(), 'sandbox')
    const first = await scratchSandbox({ directory, hosts: 1 })
    await first.stop()
    await writeFile(join(directory, 'web2'), 'a file')
    await expect(startSandbox({ directory, hosts: 2, appPort: 3000 })).rejects.toThrow('web2')
    expect(await accepts(first.hosts[0]!.sshPort)).toBe(false)
  })
})

describe('stop', () => {
  test('leaves nothing running: servers, apps, commands, what they put in the background', async () => {
    const sandbox = await scratchSandbox({ hosts: 2 })
    await installApp(sandbox)
    await startApps(sandbox)
    const client = await login(sandbox)
    const { ended } = await open(client, 'trap "" TERM HUP; touch started; sleep 600; sleep 600')
    await run(client, 'nohup sh -c "trap : TERM; sleep 600; sleep 600" >/dev/null 2>&1 </dev/null &')
    if (existsSync('/usr/bin/setsid')) await run(client, 'setsid sleep 600 >/dev/null 2>&1 </dev/null &')
    await eventually('it runs', () => existsSync(join(sandbox.hosts[0]!.directory, 'started')))
    await Promise.all([sandbox.stop(), sandbox.stop()])
    await ended
    expect(await marked(sandbox)).toEqual([])
    const ports = sandbox.hosts.flatMap(({ sshPort, appPort }) => [sshPort, appPort])
    expect(await Promise.all(ports.map(accepts))).toEqual(ports.map(() => false))
    await sandbox.stop()
  })

  test('works when the directory is gone', async () => {
    const sandbox = await scratchSandbox()
    spawnSync('rm', ['-rf', sandbox.directory])
    await sandbox.stop()
    expect(await accepts(sandbox.hosts[0]!.sshPort)).toBe(false)
  })
})

test.skipIf(!existsSync('/proc/self/environ'))(
  'what a killed sandbox left running ends when the next starts',
  async () => {
    const directory = join(await scratchDirectory(), 'sandbox')
    const orphan = spawnSync('sh', ['-c', 'nohup sleep 600 >/dev/null 2>&1 </dev/null & echo $!'], {
      env: { ...process.env, DELIVER_SANDBOX: directory },
      encoding: 'utf8',
    })
    const pid = orphan.stdout.trim()
    // Between fork and exec a process has no environment to show.
    await eventually('the orphan shows its mark', async () => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
      return environment.includes(`DELIVER_SANDBOX=${directory}\0`)
    })
    expect(await marked(await scratchSandbox({ directory }))).toEqual([])
  },
)
