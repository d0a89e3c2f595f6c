import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSshTransport } from '../../../src/adapters/ssh/client-choice.js'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import { makeKeyFiles } from '../rig/sshd.js'
import type { KeyFiles, Sshd } from '../rig/sshd.js'
import { hostOf, lineFor, Place } from './place.js'

/** Host certificates, as docs/ssh.md says to make them: the library has none, so `auto` must take OpenSSH. */
const execute = promisify(execFile)
let place: Place
let authority: KeyFiles
let web: Sshd

beforeAll(async () => {
  place = await Place.make()
  authority = await makeKeyFiles(join(place.home, 'authority'))
  web = await certified(51, '127.0.0.51')
})

afterAll(() => place?.remove())

async function certified(n: number, principal: string, ...more: readonly string[]): Promise<Sshd> {
  const key = await makeKeyFiles(join(place.home, `certified-${n}`))
  const named = ['-I', principal, '-h', '-n', principal]
  await execute('ssh-keygen', ['-q', '-s', authority.path, ...named, ...more, `${key.path}.pub`])
  return place.server(n, { HostCertificate: `${key.path}-cert.pub` }, [key])
}

async function outcome(server: Sshd, over: Partial<SshConfig> = {}) {
  const notes: string[] = []
  const ssh: SshConfig = {
    user: 'root',
    identityFile: [place.client.path],
    knownHosts: [place.knownHosts],
    config: join(place.home, '.ssh', 'config'),
    agent: false,
    connectTimeout: 10_000,
    keepalive: 15_000,
    retries: 0,
    concurrency: 10,
    ...over,
  }
  const reporter = {
    event: (event: { readonly type: string; readonly text?: string }) =>
      void notes.push(`${event.type}: ${event.text ?? ''}`),
  }
  const transport = createSshTransport({ ssh, env: {}, home: place.home, reporter })
  try {
    const session = await transport.connect(hostOf(server))
    const ended = await session.exec('exit 3', { timeout: 10_000 })
    await session.close()
    return { text: ended.kind === 'exit' && ended.code === 3 ? 'connected' : ended.kind, notes }
  } catch (error) {
    if (!(error instanceof DeliverError)) throw error
    return { text: `${error.message}. ${error.fix ?? ''}`, notes }
  } finally {
    await transport.close()
  }
}

const authorityLine = (names: string, key: KeyFiles = authority) => `@cert-authority ${names} ${key.public}\n`
const known = (...lines: readonly string[]) => writeFile(place.knownHosts, lines.join(''))

test('a host with a certificate of a trusted authority is trusted, by OpenSSH, and a note says why', async () => {
  await known(authorityLine('[127.0.0.*]:2322'))
  const { text, notes } = await outcome(web)
  expect(text).toBe('connected')
  expect(notes).toHaveLength(1)
  expect(notes[0]).toMatch(/^note: .*system's ssh.*known_hosts:1: @cert-authority/)
  expect(await readFile(place.knownHosts, 'utf8')).toBe(authorityLine('[127.0.0.*]:2322'))
})

test('an authority without a port is one for hosts on any port', async () => {
  await known(authorityLine('127.0.0.*'))
  const { text, notes } = await outcome(web)
  expect(text).toBe('connected')
  expect(notes[0]).toMatch(/known_hosts:1: @cert-authority/)
})

test('a host that is listed by its own key needs no certificate, and no OpenSSH', async () => {
  await known(authorityLine('[127.0.0.*]:2322'), lineFor(web))
  expect(await outcome(web)).toEqual({ text: 'connected', notes: [] })
})

test('the library refuses, and names the client that can', async () => {
  await known(authorityLine('[127.0.0.*]:2322'))
  expect((await outcome(web, { client: 'ssh2' })).text).toContain("set ssh.client to 'openssh'")
})

test('a certificate for another name is refused, and the error says for which it is', async () => {
  await known(authorityLine('[127.0.0.*]:2322'))
  const { text } = await outcome(await certified(52, 'other.example.com'))
  expect(text).toContain('for other.example.com')
  expect(text).toContain('It must name 127.0.0.52')
})

test('a certificate that has run out is refused', async () => {
  await known(authorityLine('[127.0.0.*]:2322'))
  const { text } = await outcome(await certified(53, '127.0.0.53', '-V', '20200101:20200102'))
  expect(text).toContain('until 2020-01-02')
})

test('a certificate of another authority is an unknown key', async () => {
  const other = await makeKeyFiles(join(place.home, 'other-authority'))
  await known(authorityLine('[127.0.0.*]:2322', other))
  expect((await outcome(web)).text).toContain('key is unknown: ssh-ed25519 SHA256:')
})

test('an authority for other hosts is none for this one', async () => {
  await known(authorityLine('[10.0.0.*]:2322'))
  expect((await outcome(web, { client: 'openssh' })).text).toContain('key is unknown: ssh-ed25519 SHA256:')
})

test('a source of keys may give an authority', async () => {
  await known('')
  const over = { client: 'openssh', hostKeys: () => authorityLine('[127.0.0.*]:2322') } as const
  expect((await outcome(web, over)).text).toBe('connected')
  const stranger = () => authorityLine('[127.0.0.*]:2322', place.client)
  expect((await outcome(web, { ...over, hostKeys: stranger })).text).toContain('key is unknown')
})
