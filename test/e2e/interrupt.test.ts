import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Finished } from '../integration/rig/deliver.js'
import { Place } from './place.js'

let place: Place
let number = 0

beforeAll(async () => {
  place = await Place.create(2)
  const { code, output } = await place.ship('start')
  expect(code, output).toBe(0)
}, 120_000)

/** Publishes a release of a name of its own. */
async function nextRelease(): Promise<string> {
  const release = `r${++number}`
  await place.publish(release)
  return release
}

const on = (release: string): readonly string[] => ['web1', 'web2'].map((host) => `${host} ${release}`)

/**
 * The same deploy again. A killed one left its lock: where the system tells that its process is dead, it is free at once;
 * elsewhere a person frees it by the id that the message names.
 */
async function again(release: string): Promise<Finished> {
  const first = await place.run('deploy', release)
  if (first.code !== 3 || process.platform === 'linux') return first
  const id = /deliver unlock ([\w-]+)/.exec(first.output)?.[1]
  expect(id, first.output).toBeDefined()
  expect(await place.run('unlock', id ?? '')).toMatchObject({ code: 0 })
  return place.run('deploy', release)
}

describe('a deploy that is stopped', { timeout: 120_000 }, () => {
  test.each([
    ['SIGINT', 'staging', 130],
    ['SIGTERM', 'settling', 143],
  ] as const)(
    '%s while %s: it says so, frees the lock, and the next run converges',
    async (signal, state, code) => {
      const release = await nextRelease()
      const running = place.start('deploy', release)
      await running.seen(new RegExp(`"state":"${state}"`))
      running.process.kill(signal)
      const ended = await running.finished
      expect(ended.code, ended.output).toBe(code)
      const next = await place.run('deploy', release)
      expect(next.code, next.output).toBe(0)
      expect(await place.running()).toEqual(on(release))
    },
  )

  test.each(['staging', 'activating', 'settling'])(
    'SIGKILL while %s: the next run converges',
    async (state) => {
      const release = await nextRelease()
      const running = place.start('deploy', release)
      await running.seen(new RegExp(`"state":"${state}"`))
      running.process.kill('SIGKILL')
      await running.finished
      const next = await again(release)
      expect(next.code, next.output).toBe(0)
      expect(await place.running()).toEqual(on(release))
      expect(place.pointer()).toBe(release)
    },
  )

  test('a reader who goes away does not stop it', async () => {
    const release = await nextRelease()
    const running = place.start('deploy', release)
    running.process.stdout?.once('data', () => running.process.stdout?.destroy())
    await once(running.process, 'exit')
    expect(running.process.exitCode).toBe(0)
    expect(await place.running()).toEqual(on(release))
  })
})

describe('a deploy that must not begin', { timeout: 120_000 }, () => {
  test('while another one runs: 3, and who it is; with --lock-wait it waits', async () => {
    const release = await nextRelease()
    const first = place.start('deploy', release)
    await first.seen(/"state":"probing"|"state":"connecting"/)
    // Only its own id frees a lock, and the one who has it is not disturbed.
    const [second, stranger] = await Promise.all([
      place.run('deploy', release),
      place.run('unlock', 'another-id'),
    ])
    expect(second.code, second.output).toBe(3)
    expect(stranger.code, stranger.output).toBe(2)
    const third = await place.run('deploy', release, '--lock-wait', '1m')
    expect(third.code, third.output).toBe(0)
    expect((await first.finished).code).toBe(0)
  })

  test.each([
    [['deploy', 'never-built'], 8],
    [['deploy', 'start', '--hosts', 'web9'], 7],
    [['deploy', 'start', '--hosts', ''], 7],
    [['deploy', 'start', '--batch', 'many'], 2],
    [['deploy', 'start', '--lock-wait', 'long'], 2],
  ])('%j: %i', async (args, code) => {
    const before = await place.answers()
    const ended = await place.run(...args)
    expect(ended.code, ended.output).toBe(code)
    expect(await place.answers()).toEqual(before)
  })

  test('one host down: 1, and nothing is changed on the other', async () => {
    const release = await nextRelease()
    const before = await place.answers()
    const [web1] = place.sandbox.config.fleet.hosts
    const silent = { name: 'web2', host: '127.0.0.1', port: 1 }
    place.configure({ fleet: { hosts: [web1, silent] }, ssh: { ...place.sandbox.config.ssh, retries: 0 } })
    const ended = await place.run('deploy', release)
    place.configure({})
    expect(ended.code, ended.output).toBe(1)
    expect(ended.output).toContain('web2')
    expect(await place.answers()).toEqual(before)
  })
})

test(
  'an app below the root of its repository, for an environment of its own',
  { timeout: 120_000 },
  async () => {
    const mono = await Place.create(1, 'apps/hello')
    mono.configure({ environments: { staging: { rollout: { strategy: 'parallel' } } } })
    mono.change('v1')
    const { code, output } = await mono.run('-e', 'staging', 'ship', '--tag', 'v1')
    expect(code, output).toBe(0)
    expect(await mono.running()).toEqual(['web1 v1'])
    expect(mono.pointer('staging')).toBe('v1')
    expect(() => mono.pointer('production')).toThrow()
  },
)

test('the library: a context, and commands as functions', { timeout: 60_000 }, async () => {
  const program = `import { createContext, deploy, status } from 'deliver-cli'
const events = []
const context = createContext({ onEvent: (event) => events.push(event.type) })
const { code } = await deploy(context, { release: 'start' })
const { data } = await status(context)
console.log(JSON.stringify({ code, runs: data.pointer.release, told: events.includes('host-state') }))`
  const loader = new URL('../../dist/bundle/index.js', import.meta.url).href
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', program.replace("'deliver-cli'", JSON.stringify(loader))],
    { cwd: place.directory, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await once(child, 'close')
  expect(JSON.parse(out)).toEqual({ code: 0, runs: 'start', told: true })
})
