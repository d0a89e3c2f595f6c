/** Jenkins' way of aborting a build, and signals at phases in which deliver waits for something else. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { abortAsJenkins } from '../integration/rig/jenkins-abort.js'
import { startDeliver, type Running } from '../integration/rig/deliver.js'
import { Place } from './place.js'

let place: Place
let number = 0

beforeAll(async () => {
  place = await Place.create(2)
  const { code, output } = await place.ship('start')
  expect(code, output).toBe(0)
  await place.publish('next')
}, 120_000)

const cookie = (): string => `deliver-abort-${process.pid}-${++number}`

/** As a Jenkins job runs it: with the build's cookie in the environment of all that it starts. */
function startBuild(mark: string, ...args: readonly string[]): Running {
  return startDeliver(['--json', ...args], { cwd: place.directory, env: { BUILD_COOKIE: mark } })
}

const abort = (mark: string): Promise<void> => abortAsJenkins(`BUILD_COOKIE=${mark}`)

/** Whether the lock is free: a run that needs it gets it at once. */
async function expectFreeLock(release: string): Promise<void> {
  const next = await place.run('deploy', release)
  expect(next.code, next.output).toBe(0)
}

describe('aborted as Jenkins does it, children first', { timeout: 120_000 }, () => {
  test.each([
    ['a setup that ends at once', 'echo building; sleep 60'],
    ['a setup whose shell tells 143', 'echo building; sh -c "sleep 60"; exit $?'],
    [
      'a setup that takes its time, and ends in its own way',
      'trap "exit 1" TERM; echo building; for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done',
    ],
  ])('%s: terminated, not failed', async (_name, setup) => {
    place.configure({ build: { setup } })
    const mark = cookie()
    const running = startBuild(mark, 'setup')
    await running.seen(/"line":"building"/)
    await abort(mark)
    const ended = await running.finished
    place.configure({})
    expect(ended.code, ended.output).toBe(143)
    expect(ended.output).not.toMatch(/failed with exit code/)
  })

  test.each([
    ['staging', 'next'],
    ['settling', 'start'],
  ])('while %s: terminated, and where each host stands', async (state, release) => {
    const mark = cookie()
    const running = startBuild(mark, 'deploy', release)
    await running.seen(new RegExp(`"state":"${state}"`))
    await abort(mark)
    const ended = await running.finished
    expect(ended.code, ended.output).toBe(143)
    for (const host of ['web1', 'web2']) expect(ended.stdout).toMatch(new RegExp(`"host":"${host}","kind"`))
    await expectFreeLock(release)
    expect(await place.running()).toEqual([`web1 ${release}`, `web2 ${release}`])
  })

  test('a child that somebody else ended, and no abort follows: failed, by what', async () => {
    const pidFile = join(place.directory, '..', 'setup.pid')
    place.configure({ build: { setup: `echo $$ >${JSON.stringify(pidFile)}; echo building; exec sleep 60` } })
    const running = startBuild(cookie(), 'setup')
    await running.seen(/"line":"building"/)
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM')
    const ended = await running.finished
    place.configure({})
    expect(ended.code, ended.output).toBe(1)
    expect(ended.output).toMatch(/SIGTERM/)
  })
})

describe('a signal', { timeout: 60_000 }, () => {
  test('while waiting for the lock: nothing was begun', async () => {
    const holder = await holdTheLock('next')
    for (const [name, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 143],
    ] as const) {
      const waiting = startBuild(cookie(), 'deploy', 'start', '--lock-wait', '1m')
      await waiting.seen(/waiting for the lock/)
      waiting.process.kill(name)
      const ended = await waiting.finished
      expect(ended.code, ended.output).toBe(code)
      expect(ended.output).toMatch(/nothing more was begun/)
    }
    await holder.end()
  })

  test('twice: it ends at once, whatever it waits for', async () => {
    place.configure({ build: { setup: 'trap "" TERM INT; echo building; sleep 60' } })
    const running = startBuild(cookie(), 'setup')
    await running.seen(/"line":"building"/)
    running.process.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 700))
    running.process.kill('SIGTERM')
    const started = Date.now()
    const ended = await running.finished
    place.configure({})
    expect(ended.code, ended.output).toBe(143)
    // Its own limit for a child that does not end is five seconds.
    expect(Date.now() - started).toBeLessThan(4_000)
  })
})

/** A deploy that waits until it is let go: its host's restart does. */
async function holdTheLock(release: string): Promise<{ end(): Promise<void> }> {
  const directory = join(place.directory, '..', `hold-${++number}`)
  mkdirSync(directory)
  const go = join(directory, 'go')
  const { service } = place.config
  const waitThen = (restart: string): string => `while [ ! -e '${go}' ]; do sleep 0.1; done; ${restart}`
  if (typeof service !== 'object' || service === null || !('restart' in service))
    throw new Error('no restart')
  place.configure({ service: { ...service, restart: waitThen(String(service.restart)) } })
  const running = startBuild(cookie(), 'deploy', release)
  await running.seen(/"state":"activating"/)
  place.configure({})
  expect(existsSync(go)).toBe(false)
  return {
    end: async () => {
      writeFileSync(go, '')
      const ended = await running.finished
      expect(ended.code, ended.output).toBe(0)
    },
  }
}
