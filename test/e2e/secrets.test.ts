import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { expectNone, filesBelow, leak } from '../fixtures/canary.js'
import { deliver, type Finished } from '../integration/rig/deliver.js'
import { Place } from './place.js'

/** What is different in each encoding, and what no log, store or process table may show. */
const canaries = {
  build: `canary/build+"1" ${'b'.repeat(9)}?`,
  hook: `canary/hook&'2' ${'h'.repeat(9)}=`,
  header: `canary-header-${'e'.repeat(9)}`,
  file: `canary/file$3#${'f'.repeat(9)}`,
}

/** The secret in any process's arguments, without being an argument itself. */
const look = `for each in /proc/[0-9]*/cmdline; do
  case $(tr '\\0' ' ' <"$each" 2>/dev/null) in *"$TOKEN"*) echo "in $each" >>"$HOME/seen" ;; esac
done; echo looked >>"$HOME/seen"`

const secret = (env: string) => ({ secret: { env } })
const env = { BUILD: canaries.build, HOOK: canaries.hook, HEADER: canaries.header, FILE: canaries.file }

let place: Place

beforeAll(async () => {
  place = await Place.create(1, '', env)
  writeFileSync(join(place.directory, '..', 'header'), `${canaries.header}\n`)
}, 120_000)

function configure(setup = 'true'): void {
  const { health } = place.config
  place.configure({
    build: {
      setup: `rm -rf node_modules && cp -R vendor node_modules; ${leak}; ${setup}`,
      env: { TOKEN: secret('BUILD') },
    },
    hooks: {
      beforeStage: { run: leak, env: { TOKEN: { secret: { command: 'printf %s "$HOOK"' } } } },
      afterStage: { run: `${leak}; ${look}`, on: 'hosts', env: { TOKEN: secret('HOOK') } },
      afterRollout: { run: `echo $TOKEN; exit 3`, env: { TOKEN: secret('HOOK') } },
    },
    health: {
      ...(typeof health === 'object' ? health : {}),
      http: {
        url: place.sandbox.config.health.http,
        headers: { authorization: { secret: { file: '../header' } } },
      },
    },
    target: {
      ...place.sandbox.config.target,
      files: { '.env': { env: { TOKEN: secret('FILE'), PLAIN: '1' } }, 'certs/key': { ...secret('FILE') } },
    },
  })
}

function expectClean(where: string, text: string): void {
  for (const [name, canary] of Object.entries(canaries)) expectNone(canary, `${name} in ${where}`, text)
}

const ship = (release: string, mode: '--json' | '--plain', change = {}): Promise<Finished> => {
  place.change(release)
  const args = [mode, '--verbose', 'ship', '--tag', release]
  return deliver(args, { cwd: place.directory, env: { ...env, ...change } })
}

test(
  'canaries in every place of a config show up in no output, no store and no process',
  { timeout: 120_000 },
  async () => {
    configure()
    const shipped = await ship('v1', '--json')
    expect(shipped.code, shipped.output).toBe(0)
    expect(shipped.output).toContain('***')
    const text = await ship('v2', '--plain')
    expect(text.code, text.output).toBe(0)
    configure('exit 7')
    const failed = await ship('v3', '--plain')
    expect(failed.code, failed.output).toBe(1)
    const plan = await place.run('deploy', 'v1', '--dry-run', '--out', '../plan.json')
    expect(plan.code, plan.output).toBe(0)
    const outputs = { json: shipped, text, failed, plan }
    for (const [name, { output }] of Object.entries(outputs)) expectClean(name, output)
    for (const file of filesBelow(place.store)) expectClean(file, readFileSync(file, 'latin1'))
    expectClean('the plan', readFileSync(join(place.directory, '..', 'plan.json'), 'utf8'))

    const host = place.hostDirectory('web1')
    const seen = filesBelow(host).filter((file) => file.endsWith('/seen'))
    expect(seen.map((file) => readFileSync(file, 'utf8'))).toEqual(['looked\nlooked\n'])
    const versions = join(host, 'app', 'shared', '.releases')
    for (const file of filesBelow(join(host, 'app')))
      if (
        !file.startsWith(versions) &&
        existsSync(file) &&
        !file.includes('/certs/') &&
        !file.endsWith('/.env')
      )
        expectClean(file, readFileSync(file, 'latin1'))
  },
)

test(
  'each release has its own files, for their owner alone, and they go back with it',
  { timeout: 120_000 },
  async () => {
    configure()
    const app = join(place.hostDirectory('web1'), 'app')
    const current = (): string => readFileSync(join(app, 'current', '.env'), 'utf8')
    expect((await ship('v4', '--plain', { FILE: 'first-value' })).code).toBe(0)
    expect(current()).toBe('TOKEN=first-value\nPLAIN=1\n')
    expect(statSync(join(app, 'current', '.env')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(app, 'current', 'certs', 'key'), 'utf8')).toBe('first-value\n')
    expect((await ship('v5', '--plain', { FILE: 'second-value' })).code).toBe(0)
    expect(current()).toBe('TOKEN=second-value\nPLAIN=1\n')

    const back = await place.run('rollback')
    expect(back.code, back.output).toBe(0)
    expect(current()).toBe('TOKEN=first-value\nPLAIN=1\n')

    // A deploy of what runs brings the values of today.
    const again = await deliver(['--plain', 'deploy', 'v4'], {
      cwd: place.directory,
      env: { ...env, FILE: 'third-value' },
    })
    expect(again.code, again.output).toBe(0)
    expect(again.output).toContain('.env written for v4; the app reads it when it is restarted')
    expect(current()).toBe('TOKEN=third-value\nPLAIN=1\n')
  },
)

test('a secret that is missing stops a deploy before any host is touched', { timeout: 60_000 }, async () => {
  configure()
  const refused = await deliver(['--plain', 'deploy', 'v5'], {
    cwd: place.directory,
    env: { ...env, FILE: '' },
  })
  expect(refused.code, refused.output).toBe(2)
  expect(refused.output).toContain('the environment variable FILE')
})

test('and stops a ship before anything is built, and check says so', { timeout: 60_000 }, async () => {
  configure('touch ../built')
  place.change('v6')
  const without = { cwd: place.directory, env: { ...env, FILE: '' } }
  const refused = await deliver(['--plain', 'ship', '--tag', 'v6'], without)
  expect(refused.code, refused.output).toBe(2)
  expect(refused.output).toContain('the environment variable FILE')
  expect(existsSync(join(place.directory, '..', 'built'))).toBe(false)
  const checked = await deliver(['--plain', 'check'], without)
  expect(checked.code, checked.output).toBe(8)
  expect(checked.output).toContain('the environment variable FILE')
  const well = await place.run('check')
  expect(well.output).not.toContain('FILE')
})

test('a value that env files can not hold is an error of the config', { timeout: 60_000 }, async () => {
  const values = { GOOD: 'it is "x"', BAD: `it's "x"` }
  place.configure({ target: { ...place.sandbox.config.target, files: { '.env': { env: values } } } })
  const refused = await place.run('status')
  expect(refused.code, refused.output).toBe(2)
  expect(refused.output).toMatch(/target\.files.*BAD.*readers of env files read differently/)
  expect(refused.output).not.toContain('GOOD')
})
