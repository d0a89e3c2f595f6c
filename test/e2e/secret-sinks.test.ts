import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { expectNone, filesBelow, leak } from '../fixtures/canary.js'
import { deliver } from '../integration/rig/deliver.js'
import { Place } from './place.js'

/** One secret that everything which runs prints wherever it can, and every place in which deliver writes. */
const canary = `canary/sink+"Q"'\\ ${'s'.repeat(9)}?&é`
const token = { secret: { env: 'CANARY' } }

let place: Place
let temporary: string
const outside = (name: string): string => join(place.directory, '..', name)

/** The app tells its secret to its log, as apps do, and then falls ill. */
const talkative = `
const token = require('node:fs').readFileSync('.env', 'utf8')
console.log(token, encodeURIComponent(process.env.TOKEN ?? ''), Buffer.from(token).toString('base64'))
`

beforeAll(async () => {
  place = await Place.create(2, '', { CANARY: canary })
  temporary = outside('tmp')
  mkdirSync(temporary)
  const server = join(place.directory, 'server.js')
  writeFileSync(server, talkative + readFileSync(server, 'utf8'))
}, 120_000)

function configure(change: Readonly<Record<string, unknown>> = {}): void {
  place.configure({
    build: { setup: `rm -rf node_modules && cp -R vendor node_modules; ${leak}`, env: { TOKEN: token } },
    hooks: {
      beforeStage: { run: leak, env: { TOKEN: token } },
      afterStage: { run: leak, on: 'hosts', env: { TOKEN: token } },
    },
    target: { ...place.sandbox.config.target, files: { '.env': { content: token } } },
    notify: [{ command: 'cat >>../notices' }],
    ...change,
  })
}

/** What this command and the files it was told to write say. Each of them must have hidden something. */
async function expectClean(code: number, args: readonly string[], hides = true): Promise<string> {
  const files = ['junit.xml', 'report.html'].map(outside)
  for (const file of files) writeFileSync(file, '')
  const env = { CANARY: canary, TMPDIR: temporary }
  const reports = ['--junit', '../junit.xml', '--report', '../report.html']
  const finished = await deliver([...reports, ...args], { cwd: place.directory, env })
  const { output } = finished
  expect(finished.code, output).toBe(code)
  expectNone(canary, `output of ${args.join(' ')}`, output)
  for (const file of files) expectNone(canary, `${file} of ${args.join(' ')}`, readFileSync(file, 'utf8'))
  if (hides) expect(output).toContain('***')
  return output
}

test('a run that succeeds tells its secret to none of its outputs', { timeout: 120_000 }, async () => {
  configure()
  place.change('v1')
  await expectClean(0, ['--verbose', 'ship', '--tag', 'v1'])
  place.change('v2')
  const output = await expectClean(0, ['--json', '--verbose', 'ship', '--tag', 'v2'])
  expect(output).toContain('"type":"result"')
})

test(
  'a run that fails does not either: errors, logs of the service, output of hooks',
  { timeout: 120_000 },
  async () => {
    place.change('sick', 'broken')
    for (const mode of ['--plain', '--json']) {
      expect(await expectClean(5, [mode, 'ship', '--tag', 'sick'])).toContain('500')
      // What the service wrote is in each of them.
      for (const file of ['report.html', 'junit.xml'])
        expect(readFileSync(outside(file), 'utf8'), file).toContain('***')
    }
    const fails = { run: `${leak}; exit 3`, env: { TOKEN: token } }
    configure({ hooks: { beforeStage: fails } })
    for (const mode of ['--plain', '--json']) await expectClean(1, [mode, 'deploy', 'v1'])
    // A warning: it runs after its step.
    configure({ hooks: { afterStage: { ...fails, on: 'hosts' } } })
    for (const mode of ['--plain', '--json']) await expectClean(0, [mode, 'deploy', 'v1'])
    configure({ build: { setup: `${leak}; exit 3`, env: { TOKEN: token } } })
    for (const mode of ['--plain', '--json']) await expectClean(1, [mode, 'setup'])
  },
)

test('an error that is about the secret itself has nothing of it', { timeout: 60_000 }, async () => {
  const command = 'printf %s "$CANARY" >&2; printf %s "$CANARY"; exit 4'
  configure({ hooks: { beforeStage: { run: 'true', env: { TOKEN: { secret: { command } } } } } })
  for (const mode of ['--plain', '--json']) await expectClean(1, [mode, 'deploy', 'v1'], false)
  // A value that no env file can hold, so that an error must be made of it.
  configure({ target: { ...place.sandbox.config.target, files: { '.env': { env: { TOKEN: token } } } } })
  for (const mode of ['--plain', '--json']) await expectClean(2, [mode, 'deploy', 'v1'], false)
})

test('what hosts print on demand is hidden: exec, logs', { timeout: 60_000 }, async () => {
  configure()
  for (const mode of ['--plain', '--json']) {
    await expectClean(0, [mode, 'exec', '--', 'cat .env; base64 <.env'])
    await expectClean(0, [mode, 'logs', '--lines', '50'])
  }
})

test('what is read later has nothing of it: history, status, check, plans', { timeout: 60_000 }, async () => {
  for (const mode of ['--plain', '--json']) {
    for (const command of ['history', 'status', 'releases']) await expectClean(0, [mode, command], false)
    await expectClean(0, [mode, 'deploy', 'v1', '--dry-run', '--out', '../plan.json'], false)
  }
  expectNone(canary, 'the plan', readFileSync(outside('plan.json'), 'utf8'))
})

test('nobody who is notified is told it', () => {
  const notices = readFileSync(outside('notices'), 'utf8')
  for (const event of ['succeeded', 'failed', 'rolled-back']) expect(notices).toContain(`"event":"${event}"`)
  expectNone(canary, 'notices', notices)
})

test('store, hosts and temporary files keep it nowhere but where it was asked for', () => {
  for (const file of [...filesBelow(place.store), ...filesBelow(temporary)])
    expectNone(canary, file, readFileSync(file, 'latin1'))
  for (const { directory } of place.sandbox.hosts) {
    const app = join(directory, 'app')
    const files = filesBelow(app).filter((file) => !file.endsWith('/.env') && !file.endsWith('/app.log'))
    expect(files.length).toBeGreaterThan(20)
    for (const file of files) expectNone(canary, file, readFileSync(file, 'latin1'))
  }
})
