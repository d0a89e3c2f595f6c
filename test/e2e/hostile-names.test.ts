import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { deliver } from '../integration/rig/deliver.js'
import { Place } from './place.js'

/** Names as somebody gives them who wants more than a name. Whoever reads one as code or as an option leaves this directory. */
let place: Place
let trap: string
let names: Readonly<Record<'shell' | 'option' | 'ssh', string>>

beforeAll(async () => {
  place = await Place.create(1)
  trap = join(place.directory, '..', 'trap')
  mkdirSync(trap)
  const set = `mkdir\${IFS}-p\${IFS}${trap}/`
  names = {
    shell: `x';${set}a;'"$(${set}b)"\`${set}c\`|${set}d&${set}e#`,
    option: `--output=${trap}/f`,
    ssh: `-oProxyCommand=${set}g`,
  }
  expect((await place.ship('v1')).code).toBe(0)
}, 120_000)

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const { code, output } = await deliver(['--plain', ...args], { cwd: place.directory, env })
  const told = `${args.join(' ')} ${JSON.stringify(env)}: ${code}\n${output}`
  expect(readdirSync(trap), told).toEqual([])
  // eslint-disable-next-line no-control-regex
  expect(output, told).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/)
  // An end of its own, not a crash.
  expect(output, told).not.toMatch(/^ +at .*:\d+/m)
  if (typeof code !== 'number') throw new Error(told)
  return code
}

describe.each(['shell', 'option', 'ssh'] as const)('a name made for a %s', (kind) => {
  test(
    'is refused as a release, a tag, an environment, a host and a lock',
    { timeout: 120_000 },
    async () => {
      const name = names[kind]
      for (const args of [
        ['commit-deps', `--tag=${name}`],
        ['publish', `--tag=${name}`],
        ['deploy', '--', name],
        ['deploy', 'v1', `--hosts=${name}`],
        ['rollback', '--', name],
        ['exec', `--hosts=${name}`, '--', 'true'],
        ['exec', `--dir=${name}`, '--', 'true'],
        ['logs', `--hosts=${name}`],
        ['unlock', '--', name],
        [`--env=${name}`, 'status'],
      ])
        expect(await run(args), args.join(' ')).toBeGreaterThan(0)
      expect(await run(['deploy'], { TAG: name })).toBeGreaterThan(0)
      expect(await place.running()).toEqual(['web1 v1'])
    },
  )

  test('is refused in the config, wherever it could reach a program', { timeout: 120_000 }, async () => {
    const name = names[kind]
    const { target } = place.sandbox.config
    for (const change of [
      { app: name },
      { fleet: { hosts: [name] } },
      { fleet: { hosts: [{ name: 'web1', host: name }] } },
      { ssh: { ...place.sandbox.config.ssh, user: name } },
      { service: { systemd: name } },
      { service: { pm2: name } },
      { target: { ...target, shared: [name] } },
    ]) {
      place.configure(change)
      // A path below shared/ may have any characters but a way out.
      expect(await run(['check']), JSON.stringify(change)).toBeGreaterThanOrEqual('target' in change ? 0 : 1)
    }
    place.configure({})
  })
})

test('what CI says of itself is shown, and no more', { timeout: 120_000 }, async () => {
  const said = `${names.shell}\u001b]0;title\u0007\n${names.option}`
  const env = {
    JOB_NAME: said,
    BUILD_URL: said,
    GIT_BRANCH: said,
    BUILD_TAG: 'v2',
    BUILD_USER: said,
    USER: said,
  }
  place.change('v2')
  expect(await run(['ship', '--tag', 'v2'], env)).toBe(0)
  for (const command of ['history', 'status', 'releases']) expect(await run([command], env)).toBe(0)
  expect(await place.running()).toEqual(['web1 v2'])
})

test('a branch may have any name that git takes', { timeout: 120_000 }, async () => {
  const branch = `x';mkdir\${IFS}-p\${IFS}${trap}/h;$(mkdir\${IFS}${trap}/i)`
  execFileSync('git', ['checkout', '-q', '-b', branch], { cwd: place.directory })
  place.change('v3')
  expect(await run(['ship', '--tag', 'v3'])).toBe(0)
  expect(await run(['deploy', '--dry-run', '--', `refs/heads/${branch}`])).toBeGreaterThan(0)
  expect(await place.running()).toEqual(['web1 v3'])
  expect(existsSync(trap)).toBe(true)
})
