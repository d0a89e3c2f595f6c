import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { systemClock } from '../../src/adapters/clock.js'
import { thisMachine } from '../../src/adapters/machine.js'
import { acquireLease } from '../../src/store/lock.js'
import { ownerFrom } from '../../src/store/owner.js'
import type { Finding } from '../../src/check/finding.js'
import { Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await Place.create(2)
}, 60_000)

const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()

function eventOf(line: string): { readonly type?: string; readonly findings?: readonly Finding[] } {
  if (!line.startsWith('{')) return {}
  // What the JSON reporter writes is typed by its events.
  const event: unknown = JSON.parse(line)
  return typeof event === 'object' && event !== null ? event : {}
}

/** `level where: text` of what is not well, and the exit code. */
async function found(...args: readonly string[]): Promise<{ code: unknown; off: readonly string[] }> {
  const { code, output } = await place.start('check', ...args).finished
  const events = output.split('\n').map(eventOf)
  const findings = events.find(({ type }) => type === 'findings')?.findings ?? []
  expect(findings.length, output).toBeGreaterThan(0)
  const off = findings.filter(({ level }) => level !== 'ok')
  return { code, off: off.map(({ level, area, host, text }) => `${level} ${host ?? area}: ${text}`) }
}

describe('deliver check', { timeout: 120_000 }, () => {
  test('finds nothing before the first deploy nor after it, and leaves nothing behind', async () => {
    const before = [filesIn(place.store), filesIn(place.hostDirectory('web1'))]
    const first = await place.run('check')
    expect(first, first.output).toMatchObject({ code: 0 })
    expect(first.output).toContain('all is well')
    expect([
      filesIn(place.store).filter((path) => !/versions|trials|production|^hello$/.test(path)),
      filesIn(place.hostDirectory('web1')),
    ]).toEqual(before)
    const shipped = await place.ship('v1')
    expect(shipped.code, shipped.output).toBe(0)
    const second = await place.run('doctor')
    expect(second, second.output).toMatchObject({ code: 0 })
    for (const text of ['v1 is complete', 'v1, generation 1', 'web2']) expect(second.output).toContain(text)
    const refs = execFileSync('git', ['for-each-ref', 'refs/deliver/trials'], { cwd: place.repository })
    expect(refs.toString()).toBe('')
    expect(filesIn(place.store).filter((path) => /trials\/.*\.(object|json)$/.test(path))).toEqual([])
  })

  test('tells all that is wrong at once, and repairs what is deliver’s own', async () => {
    const alias = join(place.store, 'hello.tar')
    place.configure({ store: { directory: place.store, alias: 'hello.tar' }, service: undefined })
    writeFileSync(alias, 'something else')
    writeFileSync(
      join(place.directory, 'server.js'),
      `${readFileSync(join(place.directory, 'server.js'), 'utf8')}// changed\n`,
    )
    const [web1, web2] = ['web1', 'web2'].map((name) => join(place.hostDirectory(name), 'app'))
    mkdirSync(join(web1 ?? '', '.deliver/incoming/v9.dead/tree'), { recursive: true })
    rmSync(join(web2 ?? '', 'releases/v1/RELEASE'))
    const stays: readonly unknown[] = [
      expect.stringContaining('warning config: no service'),
      expect.stringContaining('warning git: 1 changed file not committed'),
      expect.stringContaining('problem web2: releases/v1 is not what its listing says: RELEASE is gone'),
    ]
    const { code, off } = await found()
    expect(code).toBe(8)
    expect(off).toEqual([
      ...stays.slice(0, 2),
      expect.stringMatching(/^problem pointer: .*hello\.tar has something else than v1/),
      expect.stringContaining('warning web1: 1 leftover of steps that were cut short: incoming/v9.dead'),
      ...stays.slice(2),
    ])
    expect(await found('--fix')).toEqual({ code: 8, off: stays })
    expect(readdirSync(join(web1 ?? '', '.deliver/incoming'))).toEqual([])
    expect(execFileSync('tar', ['-tf', alias]).toString()).toContain('RELEASE')
    writeFileSync(join(web2 ?? '', 'releases/v1/RELEASE'), 'v1\n')
    place.configure({})
    expect((await found()).code).toBe(0)
  })

  test('knows a pointer whose archive is gone, and a store that is no directory', async () => {
    const archive = join(place.store, 'hello/releases/v1/archive.tar.gz')
    const bytes = readFileSync(archive)
    rmSync(archive)
    expect(await found()).toEqual({
      code: 8,
      off: [
        expect.stringContaining(
          'problem pointer: it names v1, and the store lacks hello/releases/v1/archive.tar.gz',
        ),
      ],
    })
    writeFileSync(archive, bytes)
    place.configure({ store: { directory: archive } })
    const { code, off } = await found()
    expect(code).toBe(8)
    expect(off.filter((text) => text.startsWith('problem'))).toEqual([
      expect.stringMatching(/^problem store/),
    ])
    place.configure({})
  })

  test('a host that is out of reach hides nobody else', async () => {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await new Promise((resolve) => listener.close(resolve))
    const fleet = place.config['fleet']
    const hosts: readonly unknown[] =
      typeof fleet === 'object' && fleet !== null && 'hosts' in fleet && Array.isArray(fleet.hosts)
        ? fleet.hosts
        : []
    place.configure({ fleet: { hosts: [{ name: 'web0', host: '127.0.0.1', port }, ...hosts] } })
    const { code, off } = await found()
    expect(code).toBe(8)
    expect(off).toEqual([expect.stringMatching(/^problem web0: .*refused/)])
    expect((await found('--hosts', 'web1,web2')).code).toBe(0)
    place.configure({})
  })

  test('an empty selection or fleet is no success, and the rest is told all the same', async () => {
    const nobody = await place.run('check', '--hosts', 'db*')
    expect(nobody.code).toBe(7)
    expect(nobody.output).toContain('no host matches "db*"')
    expect(nobody.output).toMatch(/ok +store/)
    place.configure({ fleet: { hosts: [] } })
    const empty = await place.run('check')
    expect([7, 8], empty.output).toContain(empty.code)
    place.configure({})
  })

  test('a config that is wrong is told with all that is wrong in it', async () => {
    place.configure({ store: { director: '/x' }, rollout: { batch: 'many' } })
    const { code, output } = await place.run('check')
    expect(code, output).toBe(8)
    for (const text of ['store', 'rollout.batch', 'git 2.']) expect(output).toContain(text)
    place.configure({})
  })

  test('does not disturb a deploy that is under way: --fix is locked out', async () => {
    const owner = ownerFrom({ JOB_NAME: 'deploy-hello', BUILD_NUMBER: '7' }, thisMachine())
    const store = createDirectoryStore({ directory: place.store })
    const lease = await acquireLease({
      store,
      clock: systemClock,
      app: 'hello',
      environment: 'production',
      owner,
    })
    try {
      place.configure({ store: { directory: place.store, alias: 'other.tar' } })
      const incoming = join(place.hostDirectory('web1'), 'app/.deliver/incoming/v9.busy')
      mkdirSync(incoming)
      const fix = await place.run('check', '--fix')
      expect(fix.code, fix.output).toBe(3)
      expect(fix.output).toMatch(/warning +lock +deploy-hello #7/)
      expect(existsSync(incoming)).toBe(true)
      expect(existsSync(join(place.store, 'other.tar'))).toBe(false)
      rmSync(incoming, { recursive: true })
    } finally {
      await lease.release()
      place.configure({})
    }
  })

  // Elsewhere nothing tells that the process of a lock is gone.
  test.runIf(process.platform === 'linux')(
    'after a deploy that was killed, --fix leaves nothing of it',
    async () => {
      await place.publish('v2')
      const running = place.start('deploy', 'v2')
      await running.seen(/"state":"staging"/)
      running.process.kill('SIGKILL')
      await running.finished
      const before = await found()
      expect(before.off).toContainEqual(expect.stringMatching(/^warning lock: .* never ended/))
      expect(await found('--fix')).toEqual({ code: 0, off: [] })
      const next = await place.run('deploy', 'v2')
      expect(next.code, next.output).toBe(0)
    },
  )

  test('before the first deploy, hosts are asked for the room that the newest release needs', async () => {
    const other = await Place.create(1)
    await other.publish('v1')
    expect(await other.run('check')).toMatchObject({ code: 0 })
    const file = join(other.store, 'hello/releases/v1/release.json')
    const record = readFileSync(file, 'utf8')
    rmSync(file)
    writeFileSync(file, record.replace(/"bytes": ?\d+/, `"bytes": ${2 ** 45}`))
    const { code, output } = await other.run('check')
    expect(code, output).toBe(8)
    expect(output).toMatch(/web1.*needs \d+ bytes/)
  })
})
