import { appendFile, chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprint } from '../../../src/adapters/ssh/host-key.js'
import { createSsh2Transport } from '../../../src/adapters/ssh/transport.js'
import type { SshConfig } from '../../../src/config/types.js'
import { DeliverError } from '../../../src/errors.js'
import type { Host } from '../../../src/ports.js'
import { hostOf, lineFor, makePlace } from './place.js'
import type { Place } from './place.js'
import { makeKeys, startServer, wireKey } from './server.js'
import type { TestServer, TestServerOptions } from './server.js'

let place: Place
const servers: TestServer[] = []

beforeEach(async () => {
  place = await makePlace()
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  await place.remove()
})

async function server(options: TestServerOptions = {}): Promise<TestServer> {
  const started = await startServer({ clients: [place.keys], ...options })
  servers.push(started)
  return started
}

/** Connects and runs a command, or gives the error. */
async function tryHost(host: Host, ssh: Partial<SshConfig> = {}): Promise<DeliverError | 'connected'> {
  const transport = createSsh2Transport({ ssh: place.ssh(ssh), env: {}, home: place.home })
  try {
    const session = await transport.connect(host)
    expect(await session.exec('exit 3', { timeout: 5_000 })).toEqual({ kind: 'exit', code: 3 })
    await session.close()
    return 'connected'
  } catch (error) {
    if (error instanceof DeliverError) return error
    throw error
  } finally {
    await transport.close()
  }
}

async function refused(host: Host, ssh: Partial<SshConfig> = {}): Promise<DeliverError> {
  const result = await tryHost(host, ssh)
  if (result === 'connected') throw new Error('the host was let through')
  return result
}

const modes = ['strict', 'accept-new'] as const

describe('an unknown key', () => {
  test('is refused, before any login, with all that a person needs to decide', async () => {
    const web1 = await server()
    const error = await refused(hostOf(web1), { retries: 3 })
    expect(error.message).toContain(`web1 (127.0.0.1:${web1.port})`)
    expect(error.message).toContain(`ssh-ed25519 ${fingerprint(wireKey(web1.hostKeys[0] ?? makeKeys()))}`)
    expect(error.fix).toContain(lineFor(web1).trim())
    expect(error.fix).toContain(`ssh-keyscan -p ${web1.port} 127.0.0.1`)
    expect(error.fix).toContain("'accept-new'")
    expect(web1.logins).toEqual([])
    expect(web1.connections).toBe(1)
    expect(await readFile(place.knownHosts, 'utf8')).toBe('')
  })

  test('is refused also when the default config leaves the mode open', async () => {
    const web1 = await server()
    expect((await refused(hostOf(web1))).message).toContain('unknown')
  })

  test('is stored under accept-new, and known from then on', async () => {
    const web1 = await server()
    expect(await tryHost(hostOf(web1), { hostKeys: 'accept-new' })).toBe('connected')
    expect(await readFile(place.knownHosts, 'utf8')).toBe(lineFor(web1))
    expect(await tryHost(hostOf(web1), { hostKeys: 'strict' })).toBe('connected')
  })

  test('is stored in a new file that only the user can read', async () => {
    const web1 = await server()
    const file = join(place.home, 'new', 'deep', 'known_hosts')
    expect(await tryHost(hostOf(web1), { hostKeys: 'accept-new', knownHosts: [file] })).toBe('connected')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(place.home, 'new', 'deep'))).mode & 0o777).toBe(0o700)
  })

  test('does not become part of a last line that has no end', async () => {
    const [web1, web2] = [await server(), await server()]
    await writeFile(place.knownHosts, lineFor(web1).trimEnd())
    expect(await tryHost(hostOf(web2), { hostKeys: 'accept-new' })).toBe('connected')
    expect(await readFile(place.knownHosts, 'utf8')).toBe(lineFor(web1) + lineFor(web2))
  })

  test('is refused when it can not be stored', async () => {
    const web1 = await server()
    // A directory can't be written to by anybody, root included.
    const directory = join(place.home, 'directory')
    await mkdir(directory)
    for (const knownHosts of [[directory], ['/dev/null'], ['/dev/full'], []]) {
      const error = await refused(hostOf(web1), { hostKeys: 'accept-new', knownHosts })
      expect(error.message).toMatch(/can't be (stored|read)/)
    }
    expect(web1.logins).toEqual([])
  })

  test('goes to the first file that takes it', async () => {
    const web1 = await server()
    const knownHosts = ['/dev/null', place.knownHosts]
    expect(await tryHost(hostOf(web1), { hostKeys: 'accept-new', knownHosts })).toBe('connected')
    expect(await readFile(place.knownHosts, 'utf8')).toBe(lineFor(web1))
  })

  test('of many hosts at once are all stored, each once', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => server()))
    const transport = createSsh2Transport({
      ssh: place.ssh({ hostKeys: 'accept-new' }),
      env: {},
      home: place.home,
    })
    const sessions = await Promise.all([...all, ...all].map((one) => transport.connect(hostOf(one))))
    await Promise.all(sessions.map((session) => session.close()))
    const lines = (await readFile(place.knownHosts, 'utf8')).split('\n').sort()
    expect(lines).toEqual(['', ...all.map((one) => lineFor(one).trim())].sort())
  })

  test('is refused though an authority is listed, and the message says why', async () => {
    const web1 = await server()
    await writeFile(place.knownHosts, `@cert-authority ${lineFor(web1, makeKeys())}`)
    expect((await refused(hostOf(web1))).message).toContain("the client ssh2 can't check host certificates")
  })
})

describe.each(modes)('under %s', (hostKeys) => {
  test('a known key is accepted', async () => {
    const web1 = await server()
    await writeFile(place.knownHosts, lineFor(web1))
    expect(await tryHost(hostOf(web1), { hostKeys })).toBe('connected')
  })

  test('a changed key is refused before any login, with both fingerprints and the line', async () => {
    const web1 = await server()
    const old = makeKeys()
    await writeFile(place.knownHosts, `# my hosts\n${lineFor(web1, old)}`)
    const error = await refused(hostOf(web1), { hostKeys, retries: 3 })
    expect(error.message).toContain('CHANGED')
    expect(error.message).toContain(fingerprint(wireKey(old)))
    expect(error.message).toContain(fingerprint(wireKey(web1.hostKeys[0] ?? old)))
    expect(error.message).toContain(`${place.knownHosts}:2`)
    expect(error.fix).toContain(`ssh-keygen -R '[127.0.0.1]:${web1.port}'`)
    expect(web1.logins).toEqual([])
    expect(web1.connections).toBe(1)
    expect(await readFile(place.knownHosts, 'utf8')).toBe(`# my hosts\n${lineFor(web1, old)}`)
  })

  test('a revoked key is refused, also if it is listed', async () => {
    const web1 = await server()
    await writeFile(place.knownHosts, `${lineFor(web1)}@revoked ${lineFor(web1).replace(/^\S+/, '*')}`)
    const error = await refused(hostOf(web1), { hostKeys })
    expect(error.message).toContain(`revoked by ${place.knownHosts}:2`)
    expect(web1.logins).toEqual([])
  })

  test('a known_hosts that can not be read is no reason to trust', async () => {
    const web1 = await server()
    expect((await refused(hostOf(web1), { hostKeys, knownHosts: [place.home] })).message).toMatch(
      /read|stored/,
    )
    expect(web1.logins).toEqual([])
  })
})

test('of several keys the server is asked for the known one', async () => {
  const rsa = (await import('ssh2')).default.utils.generateKeyPairSync('ecdsa', { bits: 256 })
  const web1 = await server({ hostKeys: [makeKeys(), rsa] })
  const listed = `[127.0.0.1]:${web1.port} ecdsa-sha2-nistp256 ${wireKey(rsa).toString('base64')}\n`
  await writeFile(place.knownHosts, listed)
  expect(await tryHost(hostOf(web1))).toBe('connected')
})

describe('the ssh config', () => {
  const write = (text: string) => writeFile(join(place.home, '.ssh', 'config'), text)
  const open: Partial<SshConfig> = {}

  test('may ask for accept-new', async () => {
    const web1 = await server()
    await write('StrictHostKeyChecking accept-new')
    expect(await tryHost(hostOf(web1), open)).toBe('connected')
  })

  test('can not loosen what our config says', async () => {
    const web1 = await server()
    await write('StrictHostKeyChecking no')
    expect((await refused(hostOf(web1), { hostKeys: 'strict' })).message).toContain('unknown')
  })

  test('with StrictHostKeyChecking no still refuses a changed key', async () => {
    const web1 = await server()
    await writeFile(place.knownHosts, lineFor(web1, makeKeys()))
    await write('StrictHostKeyChecking no')
    expect((await refused(hostOf(web1), open)).message).toContain('CHANGED')
  })

  test('names the key with HostKeyAlias', async () => {
    const web1 = await server()
    await write('Host 127.0.0.1\n HostKeyAlias web1.internal')
    await writeFile(place.knownHosts, lineFor(web1).replace(/^\S+/, 'web1.internal'))
    expect(await tryHost(hostOf(web1))).toBe('connected')
    await writeFile(place.knownHosts, lineFor(web1))
    expect((await refused(hostOf(web1))).message).toContain('No line for web1.internal')
  })
})

test('a line that was added meanwhile counts at the next connection', async () => {
  const web1 = await server()
  const transport = createSsh2Transport({ ssh: place.ssh(), env: {}, home: place.home })
  await expect(transport.connect(hostOf(web1))).rejects.toThrow('unknown')
  await appendFile(place.knownHosts, lineFor(web1))
  await (await transport.connect(hostOf(web1))).close()
  await chmod(place.knownHosts, 0o600)
  await rm(place.knownHosts)
  await expect(transport.connect(hostOf(web1))).rejects.toThrow('unknown')
})
