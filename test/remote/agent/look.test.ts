import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { readRun, readServiceFacts, readStatus, readHostFacts } from '../../../src/remote/readings.js'
import { run } from '../../../src/remote/command-verbs.js'
import { logs, service, status } from '../../../src/remote/look-verbs.js'
import { activate, probe } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { commandService, expectCode, facts, packTree, result, ship, stageTree } from './steps.js'

const onLinux = existsSync('/proc/self/stat')
const asRoot = process.getuid?.() === 0

onMostShells((makeHost) => {
  describe('probe', () => {
    const problems = async (host: LocalHost): Promise<readonly string[]> =>
      (await facts(host)).problems.map(({ code }) => code)

    test('of an empty host', async () => {
      const host = makeHost()
      const told = await facts(host)
      expect(told).toMatchObject({
        path: host.at(),
        current: { kind: 'none' },
        releases: [],
        good: [],
        fence: 0,
        problems: [],
      })
      expect(told.user.id).toBe(process.getuid?.())
      expect(Math.abs(told.clock - Date.now())).toBeLessThan(10_000)
      expect(told.freeBytes).toBeGreaterThan(0)
    })

    test('tells too little room before anything is sent', async () => {
      const host = makeHost()
      const reading = readHostFacts(await host.call(probe({ bytes: 10 ** 15 - 1 })))
      expect(reading).toMatchObject({ value: { problems: [{ code: 'no-space' }] } })
      const inodes = readHostFacts(await host.call(probe({ inodes: 10 ** 15 - 1 })))
      expect(
        inodes.kind === 'ok' && (inodes.value.freeInodes === undefined || inodes.value.problems.length === 1),
      ).toBe(true)
    })

    test('tells a layout that is not ours', async () => {
      const host = makeHost()
      mkdirSync(host.at('elsewhere'), { recursive: true })
      symlinkSync('elsewhere', host.at('releases'))
      symlinkSync('elsewhere', host.at('current'))
      expect(await problems(host)).toEqual(['foreign-layout', 'current'])
    })

    test('leaves nothing behind', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const before = readFileSync(host.at('.deliver/state'), 'utf8')
      await facts(host)
      expect(readdirSync(host.at()).sort()).toEqual(['.deliver', 'current', 'releases', 'shared'])
      expect(readFileSync(host.at('.deliver/state'), 'utf8')).toBe(before)
    })

    test.skipIf(asRoot)('tells missing permissions, and what to run', async () => {
      const host = makeHost('/usr/share')
      const reading = readHostFacts(await host.call(probe()))
      expect(reading).toMatchObject({
        value: { problems: [{ code: 'permission', text: expect.stringContaining('chown') as string }] },
      })
    })

    test.each(['good ../../x\nunconfirmed a', 'unconfirmed x', '\u0000\u0001garbage', ''])(
      'reads a damaged state %j',
      async (state) => {
        const host = makeHost()
        await ship(host, 'v1')
        writeFileSync(host.at('.deliver/state'), state)
        expect((await host.call(probe())).kind).toBe('answer')
      },
    )
  })

  describe('run', () => {
    test.each([
      ['exit 0', 0],
      ['exit 7', 7],
      ['kill -9 $$', 137],
    ])('%s', async (command, exit) => {
      const answer = await makeHost().call(run({ command, directory: 'home', timeout: 10_000 }))
      expect(readRun(answer)).toMatchObject({ kind: 'ok', value: { exit } })
    })

    test('in current, with what it needs to know; output without a newline does not hide the answer', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const command = 'cat RELEASE; printf " %s %s" "$DELIVER_RELEASE" "$DELIVER_PATH"'
      const answer = await host.call(run({ command, directory: 'current', timeout: 10_000 }))
      expect(answer).toMatchObject({ kind: 'answer', code: 0, log: `v1 v1 ${host.at()}` })
    })

    test('is killed with its children when its time is up', async () => {
      const host = makeHost()
      const command = '(trap "" TERM; sleep 300 & echo $! > child; wait) & wait'
      const answer = await host.call(run({ command, directory: 'home', timeout: 1000 }))
      expect(readRun(answer)).toEqual({ kind: 'ok', value: {}, log: '' })
      const child = Number(readFileSync(`${host.home}/child`, 'utf8'))
      // Dead at once, but gone only when init has taken note of it.
      await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow(), 20_000)
    })

    test('in a release that is staged, whatever is current', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const at = { directory: 'release', timeout: 10_000 } as const
      const answer = await host.call(run({ ...at, command: 'cat RELEASE', release: 'v1' }))
      expect(answer).toMatchObject({ kind: 'answer', code: 0, log: 'v1' })
      expectCode(await host.call(run({ ...at, command: 'true', release: 'v2' })), codes.noSuchRelease)
      expectCode(await makeHost().call(run({ ...at, command: 'true', release: 'v1' })), codes.noSuchRelease)
    })

    test('in a directory by its path', async () => {
      const host = makeHost()
      const answer = await host.call(run({ command: 'pwd', directory: '/', timeout: 10_000 }))
      expect(answer).toMatchObject({ kind: 'answer', code: 0, log: '/' })
      const nowhere = run({ command: 'pwd', directory: '/no/where', timeout: 10_000 })
      expectCode(await host.call(nowhere), codes.precondition)
    })

    test('with an environment that the agent itself has nothing of', async () => {
      const env = { A: `$(exit 9)\n"it's" \\ ;*`, root: '/', timeout: '0', B: '' }
      const command = 'printf "<%s>\\n" "$A" "$root" "$B"'
      const answer = await makeHost().call(run({ command, directory: 'home', env, timeout: 10_000 }))
      expect(answer).toMatchObject({ kind: 'answer', code: 0, log: `<${env.A}>\n</>\n<>` })
    })

    test('a name that is no variable is refused', async () => {
      const call = run({ command: 'true', directory: 'home', env: { 'A;B': '1' }, timeout: 10_000 })
      expectCode(await makeHost().call(call), codes.badCall)
    })

    test('without a current there is nothing to run in', async () => {
      expectCode(
        await makeHost().call(run({ command: 'true', directory: 'current', timeout: 1000 })),
        codes.precondition,
      )
    })
  })

  describe.skipIf(!onLinux)('service', () => {
    test('the process that listens, since when, and from which release', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const script =
        "const s=require('net').createServer().listen(0,'127.0.0.1',()=>console.log(s.address().port))"
      const child = spawn(process.execPath, ['-e', script], { cwd: host.at('current') })
      const port = await new Promise<number>((resolve) =>
        child.stdout.once('data', (data: Buffer) => resolve(Number(data))),
      )
      const ask = service({ service: commandService('true'), port })
      const reading = readServiceFacts(await host.call(ask))
      expect(reading).toMatchObject({
        value: { active: true, pid: child.pid, release: 'v1', cwd: host.at('releases/v1') },
      })
      const { uptime = -1, ...same } = reading.kind === 'ok' ? reading.value : {}
      expect(uptime).toBeGreaterThanOrEqual(0)
      expect(uptime).toBeLessThan(60)
      expect(readServiceFacts(await host.call(ask))).toMatchObject({ value: same })
      expect(readStatus(await host.call(status({ service: commandService('true'), port })))).toMatchObject({
        value: {
          current: { release: 'v1' },
          releases: [{ release: 'v1', mark: 'good' }],
          service: { pid: child.pid },
        },
      })
      child.kill()
    })

    test('a pid file tells the process, of a release or of none', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      const ask = service({
        service: { manager: { kind: 'command', restart: 'x', pidFile: 'pid' }, timeout: 1 },
      })
      expect(readServiceFacts(await host.call(ask))).toMatchObject({ value: { active: false } })
      const child = spawn('sleep', ['60'], { cwd: host.at('current') })
      writeFileSync(host.at('pid'), `${child.pid}\n`)
      expect(readServiceFacts(await host.call(ask))).toMatchObject({
        value: { active: true, pid: child.pid, release: 'v1' },
      })
      child.kill()
      await once(child, 'exit')
      expect(readServiceFacts(await host.call(ask))).toEqual({
        kind: 'ok',
        value: { active: false },
        log: '',
      })
    })

    test('a port where nobody listens', async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const address = server.address()
      const { port } =
        typeof address === 'object' && address !== null
          ? address
          : ({ port: 0 } satisfies Partial<AddressInfo>)
      await new Promise((resolve) => server.close(resolve))
      const reading = readServiceFacts(await makeHost().call(service({ port })))
      expect(reading).toEqual({ kind: 'ok', value: { listening: false }, log: '' })
    })
  })

  describe('logs since the last restart', () => {
    const write = (host: LocalHost, text: string) => {
      mkdirSync(host.at('shared'), { recursive: true })
      writeFileSync(host.at('shared/app.log'), text)
    }
    async function restarted(host: LocalHost, restart: string, code = 0): Promise<string> {
      const packed = packTree(host, 'v2')
      expectCode(await stageTree(host, 'v2', { packed, id: 's' }), 0)
      const service = { ...commandService(restart), log: 'shared/app.log' }
      const call = activate({ fence: 1, release: 'v2', digest: packed.digest, id: 'try', guard: 0, service })
      const activated = await host.call(call)
      expectCode(activated, code)
      return code === 0 ? (await host.call(logs({ service, lines: 3 }))).log : activated.log
    }

    test('are those of the new release alone', async () => {
      const host = makeHost()
      write(host, 'old noise\nand more\n')
      expect(await restarted(host, 'printf "new\\nlines\\n" >>"$DELIVER_PATH/shared/app.log"')).toBe(
        'new\nlines',
      )
    })

    test('are all of a file that was made or rotated meanwhile', async () => {
      const host = makeHost()
      write(host, 'a long line of the old release\n')
      expect(await restarted(host, 'echo new >"$DELIVER_PATH/shared/app.log"')).toBe('new')
      const other = makeHost()
      expect(await restarted(other, 'echo first >"$DELIVER_PATH/shared/app.log"')).toBe('first')
    })

    test('come with a restart that failed, after what it said itself', async () => {
      const host = makeHost()
      write(host, 'old noise\n')
      const failing = 'echo why >>"$DELIVER_PATH/shared/app.log"; echo no >&2; exit 1'
      expect(await restarted(host, failing, codes.restartFailed)).toBe('no\nwhy')
    })
  })

  describe('logs', () => {
    test('the last lines of the log file', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      writeFileSync(host.at('shared/app.log'), 'one\ntwo\nthree\n')
      const with_ = { ...commandService('true'), log: 'shared/app.log' }
      expect((await host.call(logs({ service: with_, lines: 2 }))).log).toBe('two\nthree')
      unlinkSync(host.at('shared/app.log'))
      expect(result(await host.call(logs({ service: with_, lines: 2 })))).toEqual([
        codes.precondition,
        expect.stringContaining('app.log'),
      ])
    })
  })
})
