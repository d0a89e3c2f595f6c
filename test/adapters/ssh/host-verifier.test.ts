import { writeFile } from 'node:fs/promises'
import ssh2 from 'ssh2'
import type { HostVerifier } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConfigFiles } from '../../../src/adapters/ssh/config-files.js'
import { destinationOf } from '../../../src/adapters/ssh/destination.js'
import { HostKeyCheck } from '../../../src/adapters/ssh/host-verifier.js'
import { KnownHostsFiles } from '../../../src/adapters/ssh/known-hosts-files.js'
import { lineFor, makePlace } from './place.js'
import type { Place } from './place.js'
import { makeKeys, startServer, wireKey } from './server.js'
import type { TestServer } from './server.js'

let place: Place
let server: TestServer

beforeEach(async () => {
  place = await makePlace()
  server = await startServer({ clients: [place.keys] })
})

afterEach(async () => {
  await server.stop()
  await place.remove()
})

function check(): HostKeyCheck {
  const around = {
    ssh: place.ssh(),
    env: {},
    home: place.home,
    directory: '/',
    localUser: 'ann',
    files: new ConfigFiles(place.home),
  }
  const { destination } = destinationOf({ label: 'web1', address: '127.0.0.1', port: server.port }, around)
  return new HostKeyCheck(destination, new KnownHostsFiles())
}

const answer = (verifier: HostVerifier, key: Buffer) =>
  new Promise<boolean>((resolve) => verifier(key, resolve))

describe('the verifier', () => {
  test('returns nothing: ssh2 takes a returned promise for consent', () => {
    expect(check().verifier(wireKey(makeKeys()), () => {})).toBeUndefined()
  })

  test('answers with a strict false or true', async () => {
    await writeFile(place.knownHosts, lineFor(server))
    const known = check()
    expect(await answer(known.verifier, wireKey(makeKeys()))).toBe(false)
    expect(await answer(known.verifier, wireKey(server.hostKeys[0] ?? makeKeys()))).toBe(true)
  })

  test('refuses another key at a later key exchange, even a known one', async () => {
    const other = makeKeys()
    await writeFile(place.knownHosts, lineFor(server) + lineFor(server, other))
    const { verifier } = check()
    expect(await answer(verifier, wireKey(server.hostKeys[0] ?? other))).toBe(true)
    expect(await answer(verifier, wireKey(other))).toBe(false)
    // At once, not a tick later, see the comment there.
    const answers: boolean[] = []
    verifier(wireKey(server.hostKeys[0] ?? other), (result) => answers.push(result))
    expect(answers).toEqual([true])
  })

  test.each(['refuses', 'consents'] as const)('ssh2 %s as it is told', async (does) => {
    if (does === 'consents') await writeFile(place.knownHosts, lineFor(server))
    const client = new ssh2.Client()
    const ended = vi.fn()
    client.on('error', ended)
    const ready = await new Promise<boolean>((resolve) => {
      client.on('ready', () => resolve(true)).on('close', () => resolve(false))
      client.connect({
        host: '127.0.0.1',
        port: server.port,
        username: 'x',
        privateKey: place.keys.private,
        hostVerifier: check().verifier,
      })
    })
    client.end()
    expect(ready).toBe(does === 'consents')
    expect(server.logins.length > 0).toBe(does === 'consents')
  })
})
