import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defaultStart, loginEnvironment, writeHostDirectory } from '../../src/sandbox/host-directory.js'
import { killLeftovers } from '../../src/sandbox/leftovers.js'
import { servicePidFile, serviceScript, targetPath } from '../../src/sandbox/service-script.js'
import { eventually, scratchDirectory } from './scratch.js'

const pidFile = join(targetPath, servicePidFile)
const shells: readonly (readonly string[])[] = [['dash'], ['bash', '--posix'], ['busybox', 'sh'], ['sh']]
const where = (tool: string) =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { encoding: 'utf8' }).stdout.trim()
const isThere = ([command = '']: readonly string[]) =>
  spawnSync(command, ['-c', ':'], { stdio: 'ignore' }).error === undefined

/** Says that it runs, and how it was ended. `slow` needs that many ms to end, `never` doesn't. */
const app = (ending: string) => `
  const { appendFileSync } = require('node:fs')
  const say = (what) => appendFileSync('../said', what + '\\n')
  process.on('SIGTERM', () => { ${ending} })
  setInterval(() => {}, 1000)
  say([process.pid, process.env.PORT, process.env.HOST_NAME, process.cwd()].join(' '))
`

describe.each(shells.map((words) => ({ shell: words, name: words.join(' ') })))(
  'service under $name',
  ({ shell }) => {
    let home: string
    let environment: Record<string, string>

    beforeEach(async () => {
      home = await scratchDirectory()
      environment = loginEnvironment(home, home)
      await mkdir(join(home, dirname(pidFile)), { recursive: true })
      await writeHostDirectory({ name: 'web7', directory: home, appPort: 4321 }, 'node server.js')
      await release('v1', app("say('stopped'); process.exit()"))
    })

    afterEach(() => killLeftovers(home))

    async function release(name: string, server: string): Promise<void> {
      const directory = join(home, 'app', 'releases', name)
      await mkdir(directory, { recursive: true })
      await writeFile(join(directory, 'server.js'), server)
      spawnSync('ln', ['-sfn', directory, join(home, 'app', 'current')])
    }

    function service(verb: string, env = environment): Promise<{ code: number | null; out: string }> {
      const [name = '', ...args] = shell
      const child = spawn(where(name), [...args, join(home, 'bin', 'service'), verb], {
        env,
        cwd: '/',
        detached: true,
      })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)))
      child.stderr.on('data', (chunk: Buffer) => (out += String(chunk)))
      return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })))
    }

    const said = async () =>
      (await readFile(join(home, 'app', 'releases', 'said'), 'utf8').catch(() => '')).trim().split('\n')
    const log = () => readFile(join(home, 'app', 'log', 'app.log'), 'utf8')
    const pid = async () => Number((await readFile(join(home, pidFile), 'utf8')).split('\n')[0])

    test.skipIf(!isThere(shell))(
      'restart starts the release with its port, name and real directory',
      async () => {
        expect(await service('restart')).toMatchObject({ code: 0 })
        await eventually('the app runs', async () => (await said())[0] !== '')
        expect((await said())[0]).toMatch(/^\d+ 4321 web7 /)
        expect((await said())[0]).toContain('/app/releases/v1')
        expect(await service('status')).toMatchObject({
          code: 0,
          out: expect.stringContaining('runs') as unknown,
        })
      },
    )

    test.skipIf(!isThere(shell))(
      'restart ends the old process, gracefully, before it starts the new one',
      async () => {
        await release('v1', app("setTimeout(() => { say('stopped'); process.exit() }, 300)"))
        await service('restart')
        await eventually('v1 runs', async () => (await said()).length === 1 && (await said())[0] !== '')
        await release('v2', app('process.exit()'))
        expect(await service('restart')).toMatchObject({ code: 0 })
        await eventually('v2 runs', async () => (await said()).length === 3)
        const [first, second, third] = await said()
        expect([first, second, third]).toEqual([
          expect.stringContaining('/v1'),
          'stopped',
          expect.stringContaining('/v2'),
        ])
      },
    )

    test.skipIf(!isThere(shell))(
      'an app that ignores TERM is killed, with its children, after the grace',
      async () => {
        await release('v1', `require('node:child_process').spawn('sleep', ['600']); ${app('')}`)
        await service('restart')
        await eventually('it runs', async () => (await said())[0] !== '')
        const old = await pid()
        const started = Date.now()
        expect(await service('stop')).toMatchObject({
          code: 0,
          out: expect.stringContaining('killing it') as unknown,
        })
        expect(Date.now() - started).toBeLessThan(20_000)
        expect(groupIsAlive(old)).toBe(false)
        expect(await service('status')).toMatchObject({ code: 3 })
      },
    )

    test.skipIf(!isThere(shell))(
      'stop ends what a start command started, not only the shell around it',
      async () => {
        await writeFile(join(home, 'etc', 'start'), 'echo "first $PORT"; node server.js; echo over')
        await service('restart')
        await eventually('it runs', async () => (await said())[0] !== '')
        expect(await service('stop')).toMatchObject({ code: 0 })
        expect((await said())[1]).toBe('stopped')
        expect(await log()).toContain('first 4321')
        expect(existsSync(join(home, pidFile))).toBe(false)
      },
    )

    test.skipIf(!isThere(shell))(
      'a start that crashes is seen: status 3, the reason in the log',
      async () => {
        await release('v1', "throw new Error('no database')")
        expect(await service('restart')).toMatchObject({ code: 0 })
        await eventually('it is down', async () => (await service('status')).code === 3)
        expect(await log()).toContain('no database')
        await release('v2', app('process.exit()'))
        expect(await service('restart')).toMatchObject({ code: 0 })
        await eventually('v2 runs', async () => (await said())[0] !== '')
      },
    )

    test.skipIf(!isThere(shell))('stop twice, and stop of nothing, are fine', async () => {
      expect(await service('stop')).toMatchObject({ code: 0 })
      expect(await service('stop')).toMatchObject({ code: 0 })
      expect(await service('status')).toMatchObject({ code: 3 })
    })

    test.skipIf(!isThere(shell))('a pid file that names somebody else’s process kills nobody', async () => {
      const other = spawn('sleep', ['600'], { detached: true })
      await writeFile(join(home, pidFile), `${other.pid}\n1\n`)
      expect(await service('stop')).toMatchObject({ code: 0 })
      expect(other.kill(0)).toBe(true)
      other.kill('SIGKILL')
    })

    test.skipIf(!isThere(shell)).each(['', 'x\n', '-1\n', '$(touch hit)\n'])(
      'a spoilt pid file %j is none',
      async (text) => {
        await writeFile(join(home, pidFile), text)
        expect(await service('status')).toMatchObject({ code: 3 })
        expect(await service('restart')).toMatchObject({ code: 0 })
      },
    )

    test.skipIf(!isThere(shell))('no release: restart fails and says so', async () => {
      await symlink('nowhere', join(home, 'app', 'elsewhere'))
      spawnSync('ln', ['-sfn', 'nowhere', join(home, 'app', 'current')])
      expect(await service('restart')).toMatchObject({
        code: 1,
        out: expect.stringContaining('no release') as unknown,
      })
    })

    test.skipIf(!isThere(shell))('without setsid (macOS) it starts and stops all the same', async () => {
      const bin = await scratchDirectory()
      for (const tool of ['cat', 'date', 'dirname', 'mkdir', 'mv', 'nohup', 'ps', 'rm', 'sh', 'sleep']) {
        await symlink(where(tool), join(bin, tool))
      }
      await symlink(process.execPath, join(bin, 'node'))
      await writeFile(join(home, 'etc', 'start'), defaultStart)
      const env = { ...environment, PATH: bin }
      expect(await service('restart', env)).toMatchObject({ code: 0 })
      await eventually('it runs', async () => (await said())[0] !== '')
      expect(await service('stop', env)).toMatchObject({ code: 0 })
      expect((await said())[1]).toBe('stopped')
    })

    test.skipIf(!isThere(shell))('any other word is a usage error', async () => {
      expect(await service('begin')).toMatchObject({ code: 2 })
    })
  },
)

test.skipIf(spawnSync('shellcheck', ['-V']).error !== undefined)('shellcheck finds nothing', () => {
  // SC2086: fields of /proc are split on purpose.
  const checked = spawnSync('shellcheck', ['-s', 'sh', '-e', 'SC2046,SC2086', '-'], {
    input: serviceScript,
    encoding: 'utf8',
  })
  expect(checked.stdout).toBe('')
})

function groupIsAlive(group: number): boolean {
  const states = spawnSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' }).stdout.split('\n')
  return states.some((line) => {
    const [pgid, state = ''] = line.trim().split(/\s+/)
    return Number(pgid) === group && !state.startsWith('Z')
  })
}
