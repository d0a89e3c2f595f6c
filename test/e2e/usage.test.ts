import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { deliver } from '../integration/rig/deliver.js'
import { scratchDirectory } from '../sandbox/scratch.js'

const program = fileURLToPath(new URL('../../bin/deliver.js', import.meta.url))

async function appWith(config: object): Promise<string> {
  const cwd = await scratchDirectory()
  writeFileSync(join(cwd, 'deliver.config.json'), JSON.stringify(config))
  return cwd
}

describe('a command line that is wrong acts on nothing', () => {
  test.each([
    [['deplyo'], 2, 'deploy'],
    [['deploy', '--dry-rn'], 2, '--dry-run'],
    [['deploy', 'v1', 'v2'], 2, 'too many arguments'],
    [['unlock'], 2, 'id'],
    [[], 2, 'Usage'],
    [['deploy'], 2, 'deliver.config'],
    [['-c', 'nowhere.json', 'deploy'], 2, 'nowhere.json'],
    [['deploy', '--help'], 0, 'Usage'],
    [['ship', '--help'], 0, 'Usage'],
    [['--version'], 0, '0.'],
  ])('%j: %i', async (args, code, says) => {
    const ended = await deliver(args, { cwd: await scratchDirectory() })
    expect(ended.code, ended.output).toBe(code)
    expect(ended.output).toContain(says)
  })
})

describe('a config that has no place to go', () => {
  test.each([
    ['no fleet', { app: 'a', store: { directory: 's' }, target: { path: 'app' } }, 2, 'fleet'],
    ['no target', { app: 'a', store: { directory: 's' }, fleet: { hosts: ['h'] } }, 2, 'target'],
    ['no store', { app: 'a', fleet: { hosts: ['h'] }, target: { path: 'app' } }, 2, 'store'],
    ['a typo', { app: 'a', rolout: {} }, 2, 'rollout'],
  ])('%s: %o', async (_, config, code, says) => {
    const ended = await deliver(['--plain', 'deploy', 'v1'], { cwd: await appWith(config) })
    expect(ended.code, ended.output).toBe(code)
    expect(ended.output).toContain(says)
  })

  test('an environment that is not there: 2, with those that are', async () => {
    const cwd = await appWith({ app: 'a', environments: { staging: {} } })
    const ended = await deliver(['--plain', '-e', 'stagin', 'status'], { cwd })
    expect(ended.code, ended.output).toBe(2)
    expect(ended.output).toContain('staging')
  })
})

test('whoever reads the help may stop reading', async () => {
  const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(child, 'close')
  expect(errors).toBe('')
})
