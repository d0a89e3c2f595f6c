import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { problemsOf } from '../report/event-validator.js'
import { Emulator } from '../report/live/emulator.js'
import { deliver } from '../integration/rig/deliver.js'
import { Place } from './place.js'

let place: Place
beforeAll(async () => {
  place = await Place.create(2)
}, 120_000)

const typesOf = (lines: readonly string[]): ReadonlySet<string> =>
  new Set(lines.map((line) => /"type":"([\w-]+)"/.exec(line)?.[1] ?? ''))

describe('a deploy that goes well, one that is rolled back, and looks', { timeout: 120_000 }, () => {
  const told: string[] = []

  async function run(...args: readonly string[]): Promise<number | string> {
    const { finished } = place.start(...args)
    const { code, stdout } = await finished
    told.push(...stdout.trimEnd().split('\n'))
    return code
  }

  test('write test results and a page, whatever came of them', async () => {
    for (const [release, health, code] of [
      ['v1', 'healthy', 0],
      ['v2', 'broken', 5],
    ] as const) {
      place.change(release, health)
      const file = join(place.store, '..', release)
      expect(await run('ship', '--tag', release, '--junit', `${file}.xml`, '--report', `${file}.html`)).toBe(
        code,
      )
      expect(readFileSync(`${file}.xml`, 'utf8')).toMatch(/<testcase name="web2"/)
      expect(readFileSync(`${file}.html`, 'utf8')).toContain(`deploy ${release}`)
    }
  })

  test('and every event is as the schema says', async () => {
    await run('status')
    await run('history')
    await run('deploy', 'v1', '--dry-run')
    expect(told.flatMap(problemsOf)).toEqual([])
    const types = typesOf(told)
    for (const type of ['run-started', 'config', 'plan', 'transfer', 'progress', 'probe', 'batch-done'])
      expect(types).toContain(type)
    for (const type of ['step-done', 'host-state', 'outcome', 'table', 'note', 'result'])
      expect(types).toContain(type)
  })
})

/** What a terminal shows after the program ran on it; `raw` is all that was sent to it. */
async function onTerminal(
  args: readonly string[],
  { columns, env = {} }: { readonly columns: number; readonly env?: Readonly<Record<string, string>> },
): Promise<{ readonly raw: string; readonly lines: readonly string[] }> {
  const program = new URL('../../bin/deliver.js', import.meta.url).pathname
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ')
  const { PATH = '', HOME = '' } = process.env
  // Beside this process and not in place of it: it is the hosts.
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 24; exec ${words}`, '/dev/null'], {
    cwd: place.directory,
    env: { PATH, HOME, TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let raw = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text))
  await once(child, 'close')
  const terminal = new Emulator(columns, 24)
  terminal.write(raw)
  return { raw, lines: await terminal.lines() }
}

const noScript = spawnSync('script', ['--version']).status !== 0

describe.skipIf(noScript)('on a real terminal', { timeout: 120_000 }, () => {
  const redraw = '\x1b[?2026h'
  const table = /^web1 +(unchanged|done) +v1/

  test('the live view is drawn, and a summary is left that can be copied', async () => {
    const { raw, lines } = await onTerminal(['deploy', 'v1'], { columns: 100 })
    expect(raw).toContain(redraw)
    expect(raw).toMatch(/hello → production {2}deploy v1/)
    expect(raw).not.toContain('\x1b[?25l')
    const text = lines.join('\n')
    expect(text).not.toContain('→')
    expect(lines.some((line) => table.test(line))).toBe(true)
    expect(lines.at(-1)).toBe('v1 runs on 2 hosts; nothing had to change')
  })

  test('narrow: nothing is left of the frames', async () => {
    const { raw, lines } = await onTerminal(['deploy', 'v1'], { columns: 40 })
    expect(raw).toContain(redraw)
    expect(lines.join('\n')).not.toMatch(/[→●○✓]/)
  })

  test.each([
    ['a dumb terminal', [], { TERM: 'dumb' }, false],
    ['a CI job with a terminal', [], { CI: 'true' }, true],
    ['--plain', ['--plain'], {}, false],
    ['--quiet', ['--quiet'], {}, true],
    ['--json', ['--json'], {}, false],
  ] as const)('%s: lines alone', async (_, args, env, colour) => {
    const { raw } = await onTerminal([...args, 'deploy', 'v1'], { columns: 100, env })
    expect(raw).not.toContain(redraw)
    // eslint-disable-next-line no-control-regex
    expect(/\x1b\[\d+m/.test(raw)).toBe(colour)
    expect(raw).toContain('v1 runs on 2 hosts')
  })
})

test('NO_COLOR: the same without colour, also where it is forced', async () => {
  const env = { FORCE_COLOR: '1', NO_COLOR: '1' }
  const { output } = await deliver(['status'], { cwd: place.directory, env })
  expect(output).not.toContain('\x1b')
  const { output: coloured } = await deliver(['status'], { cwd: place.directory, env: { FORCE_COLOR: '1' } })
  expect(coloured).toContain('\x1b[')
})
