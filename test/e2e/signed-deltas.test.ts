import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { releaseStatement } from '../../src/release/statement.js'
import { readRelease } from '../../src/store/releases.js'
import { Signers } from '../fixtures/signers.js'
import { Place } from './place.js'

/** Each way in which a release comes to a host that takes signed ones only. Here nobody checks before the host does. */
const keys = new Signers()
afterAll(() => rmSync(keys.directory, { recursive: true }))
const ours = keys.make('ours')
const theirs = keys.make('theirs')

let place: Place
const inStore = (release: string, file = ''): string => join(place.store, 'hello/releases', release, file)
const onHost = (...below: readonly string[]): string => join(place.hostDirectory('web1'), 'app', ...below)
const readyDeltas = (release: string): readonly string[] =>
  readdirSync(inStore(release)).filter((name) => name.startsWith('delta-'))

/** Bytes that no other release has, so that a delta would save nothing. */
function change(release: string): void {
  writeFileSync(
    join(place.directory, 'asset'),
    Buffer.alloc(600_000, release).map((byte, at) => byte ^ (at * at)),
  )
}

async function publishSigned(release: string): Promise<void> {
  place.configure({ signing: { key: ours.key } })
  await place.publish(release)
  place.configure({})
}

/** From here on hosts are sent a delta that is made now, where one is worth it. */
function dropReadyDeltas(release: string): void {
  for (const name of readyDeltas(release)) rmSync(inStore(release, name))
}

beforeAll(async () => {
  place = await Place.create(1)
  change('v1')
  await publishSigned('v1')
  expect((await place.run('deploy', 'v1')).code).toBe(0)
  mkdirSync(onHost('.deliver'), { recursive: true })
  writeFileSync(onHost('.deliver/allowed_signers'), `hello ${ours.publicKey}\n`)
}, 120_000)

async function expectTaken(release: string, how: string): Promise<void> {
  const { code, output } = await place.run('deploy', release)
  expect(code, output).toBe(0)
  expect(output).toContain(how)
  expect(await place.running()).toEqual([`web1 ${release}`])
  expect(readFileSync(onHost('.deliver/manifests', release, 'statement'), 'utf8')).toContain(
    `release=${release}\n`,
  )
}

async function expectRefused(release: string, because: string): Promise<void> {
  const before = await place.running()
  const { code, output } = await place.run('deploy', release)
  expect(code, output).toBe(1)
  expect(output).toContain(because)
  // No other try would mend it.
  expect(output.split('staging:')).toHaveLength(2)
  expect(await place.running()).toEqual(before)
  expect(existsSync(onHost('releases', release))).toBe(false)
  const left = readdirSync(onHost('.deliver/incoming'), { recursive: true, encoding: 'utf8' })
  expect(left.filter((name) => /server\.js$/.test(name))).toEqual([])
}

describe('a host that takes signed releases only', () => {
  test(
    'takes one by the delta that publish made, without a look at its manifest',
    { timeout: 60_000 },
    async () => {
      await publishSigned('v2')
      expect(readyDeltas('v2')).toHaveLength(2)
      const manifest = readFileSync(inStore('v2', 'manifest.json.gz'))
      writeFileSync(inStore('v2', 'manifest.json.gz'), '')
      await expectTaken('v2', 'delta on v1')
      writeFileSync(inStore('v2', 'manifest.json.gz'), manifest)
    },
  )

  test('takes one by a delta made now', { timeout: 60_000 }, async () => {
    await publishSigned('v3')
    dropReadyDeltas('v3')
    await expectTaken('v3', 'delta on v2')
  })

  test('takes one as a whole', { timeout: 60_000 }, async () => {
    change('v4')
    await publishSigned('v4')
    dropReadyDeltas('v4')
    await expectTaken('v4', 'nearly everything is new since v3')
  })

  test.each([
    { way: 'by the delta that publish made', release: 'r1', whole: false, ready: true },
    { way: 'by a delta made now', release: 'r1', whole: false, ready: false },
    { way: 'as a whole', release: 'r2', whole: true, ready: false },
  ])('refuses what is unsigned, or signed by a stranger, $way', { timeout: 90_000 }, async (each) => {
    const { release, whole, ready } = each
    if (whole) change(release)
    if (!existsSync(inStore(release))) await publishSigned(release)
    if (!ready) dropReadyDeltas(release)
    const record = await readRelease(createDirectoryStore({ directory: place.store }), 'hello', release)
    if (record === undefined) throw new Error('it was not published')

    rmSync(inStore(release, 'signature'))
    await expectRefused(release, `${release} is not signed, and this host takes signed releases only`)
    writeFileSync(inStore(release, 'signature'), `${await theirs.sign(releaseStatement(record))}\n`)
    await expectRefused(release, 'no key that')
    copyFileSync(inStore('v3', 'signature'), inStore(release, 'signature'))
    await expectRefused(release, 'no key that')
  })

  test(
    'refuses a delta in the store that leads elsewhere, and gets the release otherwise',
    { timeout: 60_000 },
    async () => {
      change('v4')
      await publishSigned('v5')
      await publishSigned('v6')
      const [name = ''] = readyDeltas('v6')
      expect(readyDeltas('v5')).toContain(name)
      const told = (release: string): object =>
        JSON.parse(readFileSync(inStore(release, `${name}.json`), 'utf8')) as { digest: string }
      const { digest } = told('v6') as { digest: string }
      copyFileSync(inStore('v5', name), inStore('v6', name))
      writeFileSync(inStore('v6', `${name}.json`), JSON.stringify({ ...told('v5'), digest }))
      await expectTaken('v6', 'delta on v4')
      expect(readFileSync(onHost('releases/v6/RELEASE'), 'utf8')).toBe('v6\n')
    },
  )
})
