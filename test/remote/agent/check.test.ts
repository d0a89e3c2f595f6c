import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readHostCheck, readSwept, type HostCheck } from '../../../src/remote/check-readings.js'
import { check, sweep, type CheckCall } from '../../../src/remote/check-verbs.js'
import { codes } from '../../../src/remote/answers.js'
import { activate, confirm } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { commandService, expectCode, expectWhole, packTree, ship, smallTree, stageTree } from './steps.js'

/** A sudo of ours, and a login that needs one. */
function fakeSudo(host: LocalHost, script: string): void {
  for (const [name, text] of [
    ['sudo', script],
    ['id', '[ "$1" = -un ] && echo deploy || echo 1000'],
  ] as const) {
    rmSync(join(host.bin, name), { force: true })
    writeFileSync(join(host.bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  host.env['PATH'] = `${host.bin}:${host.env['PATH'] ?? ''}`
}

const asRoot = process.getuid?.() === 0

onMostShells((makeHost, shell) => {
  const checked = async (host: LocalHost, call: Partial<CheckCall> = {}): Promise<HostCheck> => {
    const reading = readHostCheck(await host.call(check({ shared: [], ...call })))
    if (reading.kind !== 'ok') throw new Error(JSON.stringify(reading))
    return reading.value
  }
  const problems = ({ problems: found }: HostCheck): readonly string[] => found.map(({ code }) => code)

  describe('check', () => {
    test('of an empty host and of one that runs a release finds nothing, and leaves nothing', async () => {
      const host = makeHost()
      expect(problems(await checked(host))).toEqual([])
      expect(readdirSync(host.home).sort()).toEqual(['bin'])
      await ship(host, 'v1')
      const before = readdirSync(host.at('.deliver')).sort()
      expect(await checked(host)).toMatchObject({
        current: { kind: 'release', release: 'v1' },
        problems: [],
        leftovers: [],
        sharedMissing: [],
        sharedElsewhere: false,
      })
      expect(readdirSync(host.at('.deliver')).sort()).toEqual(before)
    })

    test.each([
      ['a file', 'bin/start', rmSync],
      ['a link', 'node_modules/.bin/x', rmSync],
      ['a name with a newline', 'odd\nname', rmSync],
      ['a right to execute', 'bin/start', (path: string) => chmodSync(path, 0o644)],
    ])('names %s that the current release has lost', async (_, path, lose) => {
      const host = makeHost()
      const packed = packTree(host, 'v1', { ...smallTree, 'odd\nname': 'x' })
      expectCode(await stageTree(host, 'v1', { packed }), 0)
      expectCode(
        await host.call(activate({ fence: 1, release: 'v1', digest: packed.digest, id: 'a', guard: 0 })),
        0,
      )
      expectCode(await host.call(confirm({ fence: 1, id: 'a', via: 'deploy' })), 0)
      expect(problems(await checked(host))).toEqual([])
      lose(host.at('releases/v1', path))
      const { problems: found } = await checked(host)
      expect(found.map(({ code }) => code)).toEqual(['incomplete'])
      expect(found[0]?.text).toContain(path.split('\n')[0])
    })

    test('takes what is below a shared path for the host’s own', async () => {
      const host = makeHost()
      const packed = packTree(host, 'v1', { ...smallTree, 'log/.keep': '', '.env': 'A=1\n' })
      const shared = ['log', '.env']
      expectCode(await stageTree(host, 'v1', { packed, shared }), 0)
      expectCode(
        await host.call(activate({ fence: 1, release: 'v1', digest: packed.digest, id: 'a', guard: 0 })),
        0,
      )
      expect(problems(await checked(host, { shared }))).toEqual([])
    })

    test('knows a current that names what is no release of ours', async () => {
      const host = makeHost()
      mkdirSync(host.at('releases/mine'), { recursive: true })
      symlinkSync('releases/mine', host.at('current'))
      const { problems: found } = await checked(host)
      expect(found.map(({ code }) => code)).toEqual(['current'])
      expect(found[0]?.text).toContain('deliver did not put there')
    })

    test('takes a foreign current for something to mend, where there is a release of ours to go back to', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      mkdirSync(host.at('releases/mine'))
      unlinkSync(host.at('current'))
      symlinkSync('releases/mine', host.at('current'))
      expect(problems(await checked(host))).toEqual(['incomplete'])
    })

    test('tells the shared files that staging would stop for', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      mkdirSync(host.at('shared/conf'), { recursive: true })
      writeFileSync(host.at('shared/conf/here.json'), '')
      symlinkSync('nowhere', host.at('shared/data'))
      const shared = ['.env', 'conf/here.json', 'conf/gone.json', 'log', 'tmp.d/', 'data', 'a b.txt']
      expect((await checked(host, { shared })).sharedMissing).toEqual([
        '.env',
        'conf/gone.json',
        'data',
        'a b.txt',
      ])
    })

    test.skipIf(asRoot)(
      'tells a directory whose permission is gone, and a lock of somebody else',
      async () => {
        const host = makeHost()
        await ship(host, 'v1')
        chmodSync(host.at('.deliver/trash'), 0o500)
        chmodSync(host.at('.deliver/lock'), 0o400)
        expect(problems(await checked(host))).toEqual(['permission', 'permission'])
        chmodSync(host.at('.deliver/trash'), 0o700)
      },
    )

    // busybox takes its own id for the one in the PATH.
    test.skipIf(shell === 'busybox' && asRoot)(
      'asks sudo about a restart command that is one call of it, and about no other',
      async () => {
        const host = makeHost()
        const asked = join(host.home, 'asked')
        fakeSudo(host, `printf '%s\\n' "$*" >>"${asked}"; exit 1`)
        const found = async (restart: string) =>
          problems(await checked(host, { service: commandService(restart) }))
        expect(await found('sudo -n systemctl restart api')).toEqual(['sudo'])
        expect(await found('sudo systemctl restart api@1.service')).toEqual(['sudo'])
        for (const other of [
          './restart',
          'sudo -u app ./restart',
          'sudo systemctl restart api || true',
          'sudo $(id)',
        ])
          expect(await found(other), other).toEqual([])
        expect([...new Set(readFileSync(asked, 'utf8').trim().split('\n'))]).toEqual([
          '-n -l systemctl restart api',
          '-n -l systemctl restart api@1.service',
        ])
      },
    )
  })

  // sudo says of a command that it is allowed, whether or not it would ask for a password.
  test.skipIf(shell === 'busybox' && asRoot).each([
    ['(root) NOPASSWD: /usr/bin/systemctl restart api', false],
    ['(root) NOPASSWD: /bin/true, /usr/bin/systemctl restart api', false],
    ['(root) NOPASSWD: /usr/bin/systemctl', false],
    ['(root) NOPASSWD: /usr/bin/systemctl restart *', false],
    ['(ALL : ALL) NOPASSWD: ALL', false],
    ['(ALL : ALL) ALL\n(root) NOPASSWD: /bin/true', true],
    ['(root) NOPASSWD: /bin/true, PASSWD: /usr/bin/systemctl restart api', true],
    ['(root) NOPASSWD: /usr/bin/systemctl restart apix', true],
    ['Matching Defaults entries: !authenticate\n(ALL) ALL', false],
  ])('a password that sudo may want is read from its rules: %j', async (rules, wanted) => {
    const host = makeHost()
    const listed = join(host.home, 'rules')
    writeFileSync(listed, `${rules}\n`)
    fakeSudo(host, `[ $# -gt 2 ] && echo /usr/bin/systemctl restart api || cat "${listed}"`)
    const { sudoPassword } = await checked(host, { service: commandService('sudo systemctl restart api') })
    expect(sudoPassword).toBe(wanted ? '/usr/bin/systemctl restart api' : undefined)
  })

  describe('sweep', () => {
    test('removes what killed steps left, says what, and touches nothing else', async () => {
      const host = makeHost()
      await ship(host, 'v1')
      await ship(host, 'v2', 2)
      mkdirSync(host.at('.deliver/incoming/v3.abc/tree'), { recursive: true })
      writeFileSync(host.at('.deliver/incoming/v3.abc/archive.part'), 'half')
      mkdirSync(host.at('.deliver/trash/v0.123'), { recursive: true })
      writeFileSync(host.at('.deliver/new-agent.123'), '')
      const leftovers = ['incoming/v3.abc', 'trash/v0.123', 'new-agent.123']
      expect((await checked(host)).leftovers).toEqual(leftovers)
      expect(readSwept(await host.call(sweep({ fence: 3 })))).toMatchObject({ kind: 'ok', value: leftovers })
      expect((await checked(host)).leftovers).toEqual([])
      expect(readdirSync(host.at('releases')).sort()).toEqual(['v1', 'v2'])
      expectWhole(host)
      expect(readSwept(await host.call(sweep({ fence: 3 })))).toMatchObject({ kind: 'ok', value: [] })
    })

    test('is refused to a repair that a later deploy has overtaken', async () => {
      const host = makeHost()
      await ship(host, 'v1', 5)
      mkdirSync(host.at('.deliver/incoming/v2.abc'))
      expectCode(await host.call(sweep({ fence: 4 })), codes.fenced)
      expect(readdirSync(host.at('.deliver/incoming'))).toEqual(['v2.abc'])
    })
  })
})
