import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import type { Host } from '../../../src/ports.js'
import { makeKeyFiles } from '../rig/sshd.js'
import type { KeyFiles, Sshd } from '../rig/sshd.js'
import { hostOf, lineFor, Place } from './place.js'

const execute = promisify(execFile)
let client: 'ssh2' | 'openssh' = 'ssh2'
let place: Place
let bastion: Sshd
let web: Sshd
let other: KeyFiles
let keys: readonly KeyFiles[]

beforeAll(async () => {
  place = await Place.make()
  bastion = await place.server(21)
  web = await place.server(22)
  other = await makeKeyFiles(join(place.home, 'other'))
  keys = await Promise.all(
    (['ed25519', 'rsa', 'ecdsa'] as const).map((type) =>
      makeKeyFiles(join(place.home, `k-${type}`), { type }),
    ),
  )
})

afterAll(() => place?.remove())

async function outcome(
  server: Sshd,
  ssh: Partial<SshConfig> = {},
  host: Partial<Host> = {},
): Promise<string> {
  const transport = place.transport({ client, retries: 2, ...ssh })
  try {
    const session = await transport.connect({ ...hostOf(server), ...host })
    const ended = await session.exec('exit 3', { timeout: 10_000 })
    await session.close()
    return ended.kind === 'exit' && ended.code === 3 ? 'connected' : ended.kind
  } catch (error) {
    if (error instanceof DeliverError) return error.message
    throw error
  } finally {
    await transport.close()
  }
}

const known = (...lines: readonly string[]) => writeFile(place.knownHosts, lines.join(''))

describe.each(['ssh2', 'openssh'] as const)('a real sshd, by %s,', (each) => {
  beforeAll(() => {
    client = each
  })

  test('with a listed key is trusted, also by a hashed name', async () => {
    await known(lineFor(web))
    expect(await outcome(web)).toBe('connected')
    await execute('ssh-keygen', ['-H', '-f', place.knownHosts])
    expect(await readFile(place.knownHosts, 'utf8')).toMatch(/^\|1\|/)
    expect(await outcome(web)).toBe('connected')
  })

  test('with an unknown key is refused under strict', async () => {
    await known(lineFor(bastion))
    expect(await outcome(web)).toContain('key is unknown: ssh-ed25519 SHA256:')
  })

  test('with an unknown key is stored under accept-new, as ssh-keygen finds it', async () => {
    await known('')
    expect(await outcome(web, { hostKeys: 'accept-new' })).toBe('connected')
    const { stdout } = await execute('ssh-keygen', [
      '-F',
      `[${web.options.address}]:${web.options.port}`,
      '-f',
      place.knownHosts,
    ])
    expect(stdout).toContain(web.options.hostKeys[0]?.public.split(' ')[1])
    expect(await outcome(web, { hostKeys: 'strict' })).toBe('connected')
  })

  test('with an unknown key that can not be stored is refused', async () => {
    for (const file of ['/dev/null', place.home, '/proc/version']) {
      expect(await outcome(web, { hostKeys: 'accept-new', knownHosts: [file] })).toMatch(
        /can't be (stored|read)/,
      )
    }
  })

  test.each(['strict', 'accept-new'] as const)('with a changed key is refused under %s', async (hostKeys) => {
    await known(lineFor(web, other))
    expect(await outcome(web, { hostKeys })).toContain('CHANGED')
    expect(await readFile(place.knownHosts, 'utf8')).toBe(lineFor(web, other))
  })

  test('with a revoked key is refused', async () => {
    await known(lineFor(web), `@revoked ${lineFor(web).replace(/^\S+/, '*')}`)
    for (const hostKeys of ['strict', 'accept-new'] as const)
      expect(await outcome(web, { hostKeys })).toContain('is revoked')
  })

  test('behind a bastion with a wrong key is refused before any login', async () => {
    await writeFile(
      join(place.home, '.ssh', 'config'),
      `Host ${web.options.address}\n ProxyJump root@${bastion.options.address}:${bastion.options.port}\n`,
    )
    await known(lineFor(bastion), lineFor(web))
    expect(await outcome(web)).toBe('connected')
    await known(lineFor(bastion), lineFor(web, other))
    expect(await outcome(web)).toContain('CHANGED')
    await known(lineFor(bastion, other), lineFor(web))
    expect(await outcome(web)).toMatch(/through bastion 127\.0\.0\.21 .*CHANGED/)
    await writeFile(join(place.home, '.ssh', 'config'), '')
  })

  test('of several keys shows the known one', async () => {
    const many = await place.server(each === 'ssh2' ? 23 : 24, {}, keys)
    for (const key of keys) {
      await known(lineFor(many, key))
      expect(await outcome(many)).toBe('connected')
    }
  })

  test('is known by the id of its instance, whoever had its address before', async () => {
    await known('')
    const ssh = { hostKeys: 'accept-new' } as const
    expect(await outcome(web, ssh, { instance: 'i-0aa' })).toBe('connected')
    expect(await readFile(place.knownHosts, 'utf8')).toMatch(/^i-0aa ssh-ed25519 \S+\n$/)
    expect(await outcome(web, { hostKeys: 'strict' }, { instance: 'i-0aa' })).toBe('connected')
    // Another server has the address now, and what is listed for the address is an old story.
    await known(lineFor(web, other), `i-0aa ${lineFor(web, other).replace(/^\S+ /, '')}`)
    expect(await outcome(web, ssh, { instance: 'i-0bb' })).toBe('connected')
    // The same server with another key is what a changed key is.
    expect(await outcome(web, ssh, { instance: 'i-0aa' })).toContain('CHANGED')
    expect(await outcome(web, { hostKeys: 'strict' }, { instance: 'i-0cc' })).toContain('CHANGED')
    await known(`@revoked ${lineFor(web).replace(/^\S+/, '*')}`)
    expect(await outcome(web, ssh, { instance: 'i-0dd' })).toContain('is revoked')
  })

  test('may show the keys that a function gives for it, and no others', async () => {
    // What known_hosts says doesn't count then, but for revoked keys.
    await known(lineFor(web))
    const give = (answer: string) => ({ hostKeys: () => answer })
    expect(await outcome(web, give(web.options.hostKeys[0]?.public ?? ''))).toBe('connected')
    expect(await outcome(web, give(`# from the cloud\n${lineFor(web, other)}${lineFor(web)}`))).toBe(
      'connected',
    )
    expect(await outcome(web, give(other.public))).toContain('CHANGED')
    expect(await outcome(web, give(lineFor(bastion)))).toContain(
      'no line of the answer is a public key for it',
    )
    expect(await outcome(web, give(''))).toContain('no answer')
    await known(`@revoked ${lineFor(web).replace(/^\S+/, '*')}`)
    expect(await outcome(web, give(web.options.hostKeys[0]?.public ?? ''))).toContain('is revoked')
  })

  test('may show the keys that a command gives for it', async () => {
    await known('')
    await writeFile(join(place.home, 'keys-of-host-127.0.0.22'), web.options.hostKeys[0]?.public ?? '')
    const command = `cat "${place.home}/keys-of-$DELIVER_HOST"`
    const run = (over: object) => outcome(web, { hostKeys: { command, timeout: 10_000, ...over } })
    expect(await run({})).toBe('connected')
    expect(await run({ command: 'echo no such host >&2; exit 3' })).toMatch(/exit code 3: no such host/)
    expect(await run({ command: 'sleep 60', timeout: 100 })).toContain('did not end within 0.1s')
    expect(await run({ command: `yes; exit 0`, timeout: 300 })).toContain('did not end')
  })
})
