import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { createDirectoryAlias } from '../../src/adapters/directory-alias.js'
import { DeliverError } from '../../src/errors.js'
import { describeAlias } from '../contract/alias.js'
import { scratchDirectory } from '../sandbox/scratch.js'

describeAlias('a file in a directory', async () => {
  const scratch = await scratchDirectory()
  const directory = join(scratch, 'store')
  await mkdir(directory)
  const path = join(directory, 'api/api.tar')
  return {
    alias: createDirectoryAlias({ directory, key: 'api/api.tar' }),
    scratch,
    read: () => readFile(path).catch(() => undefined),
    overwrite: async (bytes) => {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
    },
  }
})

it('leaves no other file behind, and tells where it could not write', async () => {
  const directory = await scratchDirectory()
  const file = join(await scratchDirectory(), 'content')
  await writeFile(file, 'x')
  const content = { label: 'x', matches: () => Promise.resolve(false) }
  await createDirectoryAlias({ directory, key: 'a/api.tar' }).replace(file, content)
  expect(await readdir(join(directory, 'a'))).toEqual(['api.tar'])

  await mkdir(join(directory, 'b/api.tar'), { recursive: true })
  const blocked = createDirectoryAlias({ directory, key: 'b/api.tar' })
  expect(await blocked.holds(content)).toBe(false)
  const error: unknown = await blocked.replace(file, content).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DeliverError)
  expect(await readdir(join(directory, 'b'))).toEqual(['api.tar'])
})
