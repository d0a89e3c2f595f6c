import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { Place } from './place.js'

/** What a host begins by itself after a deploy, and the next deploy takes. */
let place: Place
const onHost = (path: string): string => join(place.hostDirectory('web1'), 'app', path)

beforeAll(async () => {
  place = await Place.create(1)
  expect(await place.ship('v1')).toMatchObject({ code: 0 })
}, 120_000)

const begun = (release: string): Promise<void> =>
  vi.waitFor(
    () => expect(readFileSync(onHost('.deliver/prepared/base'), 'utf8').split(' ')[0]).toBe(release),
    { timeout: 15_000 },
  )

test('a small release is linked when it is deployed', async () => {
  expect(await place.ship('v2')).toMatchObject({ code: 0 })
  expect(existsSync(onHost('.deliver/prepared'))).toBe(false)
  expect(existsSync(onHost('.deliver/preparing'))).toBe(false)
})

test('one of many entries is begun beforehand, and the next deploy takes it', async () => {
  mkdirSync(join(place.directory, 'pages'))
  for (let at = 0; at < 500; at++) writeFileSync(join(place.directory, 'pages', `${at}.html`), `page ${at}`)
  expect(await place.ship('v3')).toMatchObject({ code: 0 })
  await begun('v3')
  const tree = statSync(onHost('.deliver/prepared/tree')).ino
  expect(await place.ship('v4')).toMatchObject({ code: 0 })
  expect(statSync(onHost('releases/v4')).ino).toBe(tree)
  expect(await place.running()).toEqual(['web1 v4'])
  await begun('v4')
})

test('it goes away after a release that is small again', async () => {
  rmSync(join(place.directory, 'pages'), { recursive: true })
  expect(await place.ship('v5')).toMatchObject({ code: 0 })
  expect(existsSync(onHost('.deliver/prepared'))).toBe(false)
})
