import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KnownHostsFiles } from '../../../src/adapters/ssh/known-hosts-files.js'
import { knownHostsLine } from '../../../src/adapters/ssh/host-key.js'
import { makeKeys, wireKey } from './server.js'

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'known-hosts-'))
  file = join(directory, 'known_hosts')
})

afterEach(() => rm(directory, { recursive: true }))

const owner = (name: string) => ({ name, port: 22, alias: false })
const line = (name: string) => `${knownHostsLine(owner(name), wireKey(makeKeys()))}\n`

test('who asks at the same time gets the same entries, each read once', async () => {
  await writeFile(file, line('web1'))
  const known = new KnownHostsFiles()
  const answers = await Promise.all(Array.from({ length: 50 }, () => known.entries([file])))
  expect(new Set(answers.map(([first]) => first)).size).toBe(1)
})

test('a file that changed is read again, one that appears too', async () => {
  const known = new KnownHostsFiles()
  expect(await known.entries([file])).toEqual([])
  await writeFile(file, line('web1'))
  expect(await known.entries([file])).toHaveLength(1)
  await appendFile(file, line('web2'))
  expect(await known.entries([file])).toHaveLength(2)
})

test('a key that is learned while others ask is trusted on the word of the file as it is then', async () => {
  const known = new KnownHostsFiles()
  const files = { user: [file], global: [] }
  const keys = ['web1', 'web2', 'web3'].map((name) => [name, wireKey(makeKeys())] as const)
  const asked = keys.map(() => known.entries([file]))
  const learned = await Promise.all(keys.map(([name, key]) => known.learn(files, owner(name), key)))
  await Promise.all(asked)
  expect(learned.map(({ verdict }) => verdict.kind)).toEqual(['trusted', 'trusted', 'trusted'])
  expect(await known.entries([file])).toHaveLength(3)
})

test('a file that can not be read is an error for everybody who asked', async () => {
  const known = new KnownHostsFiles()
  const asked = await Promise.allSettled([known.entries([directory]), known.entries([directory])])
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await rm(directory, { recursive: true })
  await writeFile(directory, line('web1'))
  expect(await known.entries([directory])).toHaveLength(1)
})
