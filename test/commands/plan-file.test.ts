import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parsePlan, readPlanFile, writePlanFile } from '../../src/commands/plan-file.js'
import { settingsOf } from '../../src/commands/config-settings.js'
import type { SavedPlan } from '../../src/plan/saved-plan.js'
import { configWith } from '../execute/world.js'

const directory = mkdtempSync(join(tmpdir(), 'deliver-plan-file-'))
afterAll(() => rmSync(directory, { recursive: true }))

const plan: SavedPlan = {
  version: 1,
  madeAt: '2030-01-01T00:00:00.000Z',
  app: 'api',
  environment: 'production',
  release: 'v2',
  digest: 'd'.repeat(64),
  options: { hosts: 'web*', limit: '2', onlyOutdated: true, flags: [{ path: 'rollout.batch', value: '2' }] },
  pointer: { release: 'v1', generation: 4 },
  hosts: [
    { name: 'web1', address: '10.0.0.1', unconfirmed: false },
    {
      name: 'web2',
      address: '10.0.0.2',
      port: 2222,
      instance: 'i-2',
      current: 'v1',
      unconfirmed: true,
      staged: 'e'.repeat(64),
    },
  ],
  batches: [{ hosts: ['web1', 'web2'] }],
  config: [{ path: 'rollout.pause', value: '0' }],
  salt: '0'.repeat(32),
}

describe('the file of a plan', () => {
  test('is read as it was written, and replaced as a whole', async () => {
    await writePlanFile(directory, 'plan.json', { ...plan, release: 'v0' })
    await writePlanFile(directory, 'plan.json', plan)
    expect(await readPlanFile(directory, 'plan.json')).toEqual(plan)
    expect(readdirSync(directory)).toEqual(['plan.json'])
  })

  test('that is not there, is a directory or too large: a usage error that names it', async () => {
    await expect(readPlanFile(directory, 'nowhere.json')).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(/--plan nowhere\.json/) as string,
    })
    await expect(readPlanFile(directory, '.')).rejects.toMatchObject({ kind: 'usage' })
    writeFileSync(join(directory, 'large.json'), Buffer.alloc(9 * 1024 * 1024))
    await expect(readPlanFile(directory, 'large.json')).rejects.toThrow(/no plan has/)
    await expect(writePlanFile(directory, 'missing/plan.json', plan)).rejects.toThrow(
      /--out missing\/plan\.json/,
    )
  })

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['another version', { ...plan, version: 2 }],
    ['a list', [plan]],
    ['no hosts', { ...plan, hosts: undefined }],
    ['a host without an address', { ...plan, hosts: [{ name: 'web1', unconfirmed: false }] }],
    ['a release that is a path', { ...plan, release: '../v2' }],
    ['a release that is an option', { ...plan, release: '--yes' }],
    ['a digest that is none', { ...plan, digest: 'd' }],
    ['a generation below zero', { ...plan, pointer: { release: 'v1', generation: -1 } }],
    [
      'a flag that is not of the rollout',
      { ...plan, options: { ...plan.options, flags: [{ path: 'fleet.hosts', value: 'evil' }] } },
    ],
    [
      'a flag that would reach into objects',
      { ...plan, options: { ...plan.options, flags: [{ path: 'rollout.__proto__.x', value: '1' }] } },
    ],
    ['batches of numbers', { ...plan, batches: [{ hosts: [1] }] }],
    ['a salt that is none', { ...plan, salt: '' }],
  ])('with %s is refused', (_, document) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    expect(() => parsePlan('plan.json', text)).toThrow(/^plan\.json can't be used/)
  })
})

describe('the settings that a plan depends on', () => {
  const salt = '1'.repeat(32)
  const secret = 'Bearer s3cr3t-of-the-team'
  const config = configWith({
    health: {
      check: {
        kind: 'http',
        url: 'http://localhost/health',
        status: [200],
        headers: { authorization: secret },
      },
      successes: 2,
      interval: 500,
      minUptime: 0,
      timeout: 10_000,
      deadline: 1_500,
    },
  })

  test('tell numbers and choices, and of texts only that they differ', () => {
    const settings = settingsOf(config, salt)
    const of = new Map(settings.map(({ path, value }) => [path, value]))
    expect(of.get('rollout.strategy')).toBe('rolling')
    expect(of.get('health.deadline')).toBe('1500')
    expect(of.get('health.check.headers.authorization')).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(JSON.stringify(settings)).not.toContain('s3cr3t')
    expect([...of.keys()].filter((path) => /^(ssh|store|build|fleet|archive)/.test(path))).toEqual([])
  })

  test('are the same for the same config and salt, and others otherwise', () => {
    expect(settingsOf(config, salt)).toEqual(settingsOf(config, salt))
    expect(settingsOf(config, '2'.repeat(32))).not.toEqual(settingsOf(config, salt))
    const paused = configWith({}, { pause: 7 })
    expect(settingsOf(paused, salt)).toContainEqual({ path: 'rollout.pause', value: '7' })
  })
})
