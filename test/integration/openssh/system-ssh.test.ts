import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { controlBase } from '../../../src/adapters/ssh/openssh/control-directory.js'
import { createSshTransport } from '../../../src/adapters/ssh/client-choice.js'
import type { SshConfig } from '../../../src/config/types.js'
import { startTypeScript } from '../../fixtures/run-typescript.js'
import { makeKeyFiles } from '../rig/sshd.js'
import type { Sshd } from '../rig/sshd.js'
import { hostOf, lineFor, Place } from './place.js'

/** What only the system's ssh can do, and what only its processes can suffer. */
let place: Place
let web: Sshd

beforeAll(async () => {
  place = await Place.make()
  web = await place.server(61)
  await place.trust(web)
})

afterAll(() => place?.remove())

const config = (text: string) => writeFile(join(place.home, '.ssh', 'config'), text)
const open = (over: Partial<SshConfig> = {}) =>
  place.transport({ client: 'openssh', ...over }).connect(hostOf(web))
/** The processes whose command line has a text, as `pgrep -f` knows them. */
const running = (text: string) => {
  try {
    return execFileSync('pgrep', ['-f', '--', text], { encoding: 'utf8' }).split('\n').filter(Boolean)
  } catch {
    return []
  }
}
/** The control directories of this process: connections are made under them. */
async function ours(): Promise<readonly string[]> {
  const base = controlBase()
  const names = (await readdir(base)).filter((name) => name.startsWith('dlv-'))
  const owners = await Promise.all(
    names.map(async (name) => {
      const owner = await readFile(join(base, name, 'owner'), 'utf8').catch(() => '')
      return owner.includes(`"pid":${process.pid},`) ? [join(base, name)] : []
    }),
  )
  return owners.flat()
}

test('auto honours a ProxyCommand, by OpenSSH, and says so once', async () => {
  const { address, port } = web.options
  const proxy = join(place.home, 'proxy.mjs')
  await writeFile(
    proxy,
    `import { connect } from 'node:net'
const socket = connect(Number(process.argv[3]), process.argv[2])
process.stdin.pipe(socket).pipe(process.stdout)
socket.on('close', () => process.exit())\n`,
  )
  await config(
    `Host web\n HostName ${address}\n Port ${port}\n ProxyCommand '${process.execPath}' '${proxy}' %h %p\n`,
  )
  const notes: string[] = []
  const transport = createSshTransport({
    ssh: {
      user: 'root',
      identityFile: [place.client.path],
      knownHosts: [place.knownHosts],
      config: join(place.home, '.ssh', 'config'),
      agent: false,
      retries: 0,
      concurrency: 2,
    },
    env: {},
    home: place.home,
    reporter: { event: (event) => void notes.push(event.type === 'note' ? event.text : event.type) },
  })
  for (const name of ['one', 'two']) {
    const session = await transport.connect({ name, address: 'web', labels: {} })
    expect(await session.exec('exit 4', { timeout: 10_000 })).toEqual({ kind: 'exit', code: 4 })
    await session.close()
  }
  await transport.close()
  expect(notes).toEqual([expect.stringMatching(/\.ssh\/config:4: proxycommand/)])
  await config('')
})

test('a config made for terminals changes nothing', async () => {
  await config(`Match exec "true"
  RemoteCommand echo hijacked
  RequestTTY force
  ControlMaster auto
  ControlPath ${place.home}/theirs
  ControlPersist 10m
  ForwardAgent yes
  LocalForward 127.0.0.61:9999 127.0.0.1:9
  PermitLocalCommand yes
  LocalCommand touch ${place.home}/ran-locally
  LogLevel DEBUG3
  SessionType subsystem
  ForkAfterAuthentication yes
  EscapeChar ~
  StrictHostKeyChecking no\n`)
  const session = await open()
  let out = ''
  const onStdout = (chunk: Buffer) => (out += chunk.toString())
  const ended = await session.exec('cat; [ -t 0 ] || exit 5', {
    timeout: 10_000,
    stdin: Buffer.from('a\n~.\nb\n'),
    onStdout,
  })
  expect(ended).toEqual({ kind: 'exit', code: 5 })
  expect(out).toBe('a\n~.\nb\n')
  await session.close()
  expect(await readdir(place.home)).not.toContain('ran-locally')
  expect(await readdir(place.home)).not.toContain('theirs')
  // Nor does it lower the guard.
  const other = await makeKeyFiles(join(place.home, 'other'))
  await writeFile(place.knownHosts, lineFor(web, other))
  const refused = place.transport({ client: 'openssh' }).connect(hostOf(web))
  await expect(refused).rejects.toThrow(/CHANGED\. It shows ssh-ed25519 SHA256:.* lists ssh-ed25519 SHA256:/)
  await place.trust(web)
  await config('')
})

test('a config that ssh can not read is an error of the config', async () => {
  await config('Hsot web\n')
  await expect(open()).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('hsot') as string,
  })
  await config('')
})

test.each(['-oProxyCommand=touch /tmp/x', '-Fx', 'a b', 'a;b', '$(id)', 'web\n'])(
  'ssh never sees the host %j',
  async (address) => {
    const host = { name: 'odd', address, labels: {} }
    await expect(place.transport({ client: 'openssh' }).connect(host)).rejects.toMatchObject({
      kind: 'usage',
    })
  },
)

test('a refused login is told as one, at once, with what ssh said', async () => {
  const stranger = await makeKeyFiles(join(place.home, 'stranger'))
  await expect(open({ identityFile: [stranger.path], retries: 3 })).rejects.toMatchObject({
    message: expect.stringMatching(
      /^host-127\.0\.0\.61 \(127\.0\.0\.61:2322\): login as root failed: .*publickey/,
    ) as string,
  })
})

test('a host that nobody listens on is tried again, and named', async () => {
  const transport = place.transport({ client: 'openssh', retries: 1 })
  const host = { ...hostOf(web), port: 1 }
  await expect(transport.connect(host)).rejects.toThrow(
    /^host-127\.0\.0\.61 \(127\.0\.0\.61:1\): no connection: .*refused.* \(2 attempts\)$/,
  )
})

test('no ssh, and one that is too old, are named', async () => {
  const bin = join(place.home, 'bin')
  await mkdir(bin)
  const connect = () => place.transport({ client: 'openssh' }, { PATH: bin }).connect(hostOf(web))
  await expect(connect()).rejects.toThrow('there is no ssh in the PATH')
  await writeFile(join(bin, 'ssh'), '#!/bin/sh\necho OpenSSH_7.4p1, OpenSSL >&2\n', { mode: 0o755 })
  await expect(connect()).rejects.toThrow('OpenSSH 7.4; deliver needs OpenSSH 8.5')
})

test('a master that is killed in a command is a lost end, and its session knows', async () => {
  const before = await ours()
  const session = await open()
  const [directory = ''] = (await ours()).filter((each) => !before.includes(each))
  const sockets = `-S ${directory}/`
  const ended = session.exec('echo up; sleep 30', {
    timeout: 20_000,
    onStdout: () => running(sockets).forEach((pid) => process.kill(Number(pid), 'SIGKILL')),
  })
  expect(await ended).toMatchObject({ kind: 'lost' })
  expect(session.alive).toBe(false)
  await session.close()
})

test('closing leaves no process, no socket and no directory', async () => {
  const before = await ours()
  const transport = place.transport({ client: 'openssh' })
  await transport.connect(hostOf(web))
  const [directory = ''] = (await ours()).filter((each) => !before.includes(each))
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  expect(running(`-S ${directory}/`)).not.toEqual([])
  await transport.close()
  expect(running(`-S ${directory}/`)).toEqual([])
  expect(await ours()).toEqual(before)
})

test('a deliver that is killed leaves a host that hears of it, a master that ends, and a directory that the next removes', async () => {
  const child = startTypeScript('hold-connection.ts', [
    place.home,
    place.client.path,
    place.knownHosts,
    web.options.address,
    String(web.options.port),
    `echo up; cat >/dev/null; echo gone >"${place.home}/heard"`,
  ])
  await once(child.stdout, 'data')
  const base = controlBase()
  const owned = async () => {
    for (const name of (await readdir(base)).filter((each) => each.startsWith('dlv-'))) {
      const owner = await readFile(join(base, name, 'owner'), 'utf8').catch(() => '')
      if (owner.includes(`"pid":${child.pid},`)) return join(base, name)
    }
    return undefined
  }
  const directory = await owned()
  expect(directory).toBeDefined()
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expect
    .poll(() => readFile(join(place.home, 'heard'), 'utf8').catch(() => ''), { timeout: 10_000 })
    .toBe('gone\n')
  const transport = place.transport({ client: 'openssh' })
  await (await transport.connect(hostOf(web))).close()
  await transport.close()
  expect(await owned()).toBeUndefined()
  if (process.env['DELIVER_LONG'] === '1')
    await expect.poll(() => running(`-S ${directory}/`), { timeout: 45_000, interval: 500 }).toEqual([])
})
