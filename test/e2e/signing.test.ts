import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Signers } from '../fixtures/signers.js'
import { Place } from './place.js'

const keys = new Signers()
afterAll(() => rmSync(keys.directory, { recursive: true }))
const ours = keys.make('ours')
const allowedSigners = keys.allow('allowed', `hello ${ours.publicKey}`)

let place: Place
const signed = (): void => place.configure({ signing: { key: ours.key, allowedSigners } })
const inStore = (release: string, file: string): string => join(place.store, 'hello/releases', release, file)

beforeAll(async () => {
  place = await Place.create(1)
}, 120_000)

test(
  'releases and pointer are signed, and what was tampered with is refused',
  { timeout: 120_000 },
  async () => {
    signed()
    const shipped = await place.ship('v1')
    expect(shipped.code, shipped.output).toBe(0)
    expect(place.inStore('hello/production/current.json')).toMatch(/"signature": "[A-Za-z0-9+/=]+"/)
    await place.publish('v2')

    // Another release's signature.
    const signature = readFileSync(inStore('v2', 'signature'))
    copyFileSync(inStore('v1', 'signature'), inStore('v2', 'signature'))
    const swapped = await place.run('deploy', 'v2')
    expect(swapped.code, swapped.output).toBe(8)
    expect(swapped.output).toContain('fits release v2')

    // Another record, with the right signature.
    writeFileSync(inStore('v2', 'signature'), signature)
    const record = readFileSync(inStore('v2', 'release.json'), 'utf8')
    writeFileSync(
      inStore('v2', 'release.json'),
      record.replace(/("digest": ")[0-9a-f]{64}/, `$1${'0'.repeat(64)}`),
    )
    const tampered = await place.run('deploy', 'v2')
    expect(tampered.code, tampered.output).toBe(8)
    writeFileSync(inStore('v2', 'release.json'), record)

    // Another manifest: its hash is signed. With the delta that publish made it isn't read at all, and the host checks what comes of it.
    const deltas = readdirSync(join(place.store, 'hello/releases/v2')).filter((name) =>
      name.startsWith('delta-'),
    )
    expect(deltas).toHaveLength(2)
    for (const name of deltas) rmSync(inStore('v2', name))
    const manifest = readFileSync(inStore('v2', 'manifest.json.gz'))
    writeFileSync(inStore('v2', 'manifest.json.gz'), Buffer.alloc(manifest.length))
    const other = await place.run('deploy', 'v2')
    expect(other.code, other.output).toBe(1)
    expect(other.output).toContain('manifest.json.gz has sha256')
    writeFileSync(inStore('v2', 'manifest.json.gz'), manifest)
    expect(await place.running()).toEqual(['web1 v1'])
    expect(place.pointer()).toBe('v1')
  },
)

test('what is not signed is refused here, and by a host that has signers', { timeout: 120_000 }, async () => {
  place.configure({})
  await place.publish('v3')
  signed()
  const refused = await place.run('deploy', 'v3')
  expect(refused.code, refused.output).toBe(8)
  expect(refused.output).toContain('release v3 is not signed')

  const own = join(place.hostDirectory('web1'), 'app', '.deliver')
  mkdirSync(own, { recursive: true })
  writeFileSync(join(own, 'allowed_signers'), `hello ${ours.publicKey}\n`)
  place.configure({})
  const byHost = await place.run('deploy', 'v3')
  expect(byHost.code, byHost.output).toBe(1)
  expect(byHost.output).toContain('v3 is not signed, and this host takes signed releases only')
  expect(await place.running()).toEqual(['web1 v1'])

  // What this clone built is signed by publishing it again.
  signed()
  expect((await place.run('publish', '--tag', 'v3')).code).toBe(0)
  const deployed = await place.run('deploy', 'v3')
  expect(deployed.code, deployed.output).toBe(0)
  expect(await place.running()).toEqual(['web1 v3'])
})

test('a key that can not sign stops a publish before anything is sent', { timeout: 60_000 }, async () => {
  place.configure({ signing: { key: 'no-such-key' } })
  place.change('v4')
  for (const args of [['setup'], ['commit-deps', '--tag', 'v4']])
    expect((await place.run(...args)).code).toBe(0)
  const failed = await place.run('publish', '--tag', 'v4')
  expect(failed.code, failed.output).toBe(8)
  expect(failed.output).toContain("no-such-key can't sign")
  expect(() => readFileSync(inStore('v4', 'archive.tar.gz'))).toThrow('ENOENT')
})
