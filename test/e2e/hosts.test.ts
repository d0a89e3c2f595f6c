import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../sandbox/scratch.js'
import { Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await Place.create(3)
  const { code, output } = await place.ship('v1')
  expect(code, output).toBe(0)
}, 120_000)

const logOf = (host: string): string => join(place.hostDirectory(host), 'app', 'log', 'app.log')
const at = (second: number): string => `2030-01-01T00:00:${String(second).padStart(2, '0')}Z`

/** The processes that follow a file. */
function readersOf(file: string): readonly number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return words[0] === 'tail' && words.includes(file) ? [Number(pid)] : []
    } catch {
      return []
    }
  })
}

describe('exec', { timeout: 60_000 }, () => {
  test('words arrive as they are, in current, and each host has its block', async () => {
    const words = ['printf', '%s|', "it's", 'a b', '$HOME', '*', '']
    const { code, stdout, output } = await place.run('exec', '--hosts', 'web1,web2', '--', ...words)
    expect(code, output).toBe(0)
    expect(stdout).toContain('web1  exit 0')
    expect(stdout).toContain("  it's|a b|$HOME|*||")
    expect(stdout).not.toContain('web3')
    expect(stdout).toContain('exit 0 on 2 of 2 hosts')
  })

  test('one argument is a shell line; --prefix puts the host before each line, blank ones too', async () => {
    const line = 'basename "$(pwd -P)"; echo; echo err >&2'
    const { code, stdout } = await place.run('exec', '--prefix', '--limit', '1', line)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^web1 \| v1\nweb1 \|\nweb1 \| err$/m)
  })

  test('stdin is closed, and --dir is another place', async () => {
    const { code, stdout } = await place.run(
      'exec',
      '--limit',
      '1',
      '--dir',
      '/',
      '--',
      'sh',
      '-c',
      'pwd; cat; echo end',
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}\/\n {2}end$/m)
    expect((await place.run('exec', '--dir', 'sub', 'pwd')).code).toBe(2)
    const gone = await place.run('exec', '--dir', '/nowhere', 'pwd')
    expect(gone.code, gone.output).toBe(1)
    expect(gone.output).toContain('/nowhere is no directory')
  })

  test('a host that fails is a failure; all of them are told', async () => {
    const { code, output } = await place.run('exec', 'test "$HOME" = "${HOME%web2}"')
    expect(code, output).toBe(1)
    expect(output).toContain('exit 0 on 2 of 3 hosts; not on web2')
  })

  test('--rolling goes no further after a failure', async () => {
    const { code, output } = await place.run(
      'exec',
      '--rolling',
      'touch ~/was-here; test "$HOME" = "${HOME%web2}"',
    )
    expect(code, output).toBe(1)
    expect(output).toMatch(/web3 +- +- +skipped: a host before it failed/)
    expect(existsSync(join(place.hostDirectory('web3'), 'was-here'))).toBe(false)
  })

  test('the time limit ends it on the host', async () => {
    const { code, output } = await place.run('exec', '--limit', '1', '--timeout', '1s', 'sleep 300')
    expect(code, output).toBe(1)
    expect(output).toContain('not done within 1.0s, and killed')
  })

  test('on a host without a connection it did not run, and that is said', async () => {
    const [web1] = place.sandbox.config.fleet.hosts
    const silent = { name: 'web9', host: '127.0.0.1', port: 1 }
    place.configure({ fleet: { hosts: [web1, silent] }, ssh: { ...place.sandbox.config.ssh, retries: 0 } })
    const { code, output } = await place.run('exec', '--', 'true')
    place.configure({})
    expect(code, output).toBe(1)
    expect(output).toMatch(/web9 +not run: web9/)
    expect(output).toContain('exit 0 on 1 of 2 hosts; not on web9')
  })

  test('--json gives lines and a result for each host', async () => {
    const { stdout } = await place.start('exec', '--', 'echo', 'hello').finished
    const events = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'host-lines', host: 'web2', lines: ['hello'] }),
    )
    expect(events.at(-1)).toMatchObject({
      type: 'result',
      code: 0,
      data: { hosts: [{ host: 'web1', exit: 0 }, {}, {}] },
    })
  })

  test.each([
    [['exec', '--hosts', 'db*', 'true'], 7, 'There are: web1'],
    [['exec', '--', ''], 2, 'there is no command'],
    [['exec', '--timeout', 'soon', 'true'], 2, '--timeout'],
    [['exec'], 2, 'command'],
  ])('%j: %i', async (args, code, says) => {
    const ended = await place.run(...args)
    expect(ended.code, ended.output).toBe(code)
    expect(ended.output).toContain(says)
  })
})

describe('logs', { timeout: 60_000 }, () => {
  test('of all hosts by time; lines without one stay where they are', async () => {
    appendFileSync(logOf('web1'), `${at(1)} one\n  its stack\n${at(4)} four\n`)
    appendFileSync(logOf('web2'), `${at(3)} three\n${at(5)} five\n`)
    const { code, stdout } = await place.run('logs', '--hosts', 'web1,web2', '--since', '2029-01-01')
    expect(code).toBe(0)
    const told = stdout.split('\n').filter((line) => /2030|stack/.test(line))
    expect(told.map((line) => line.replace(/2030\S+ /, ''))).toEqual([
      'web1 | one',
      'web1 |   its stack',
      'web2 | three',
      'web1 | four',
      'web2 | five',
    ])
    const grep = await place.run('logs', '--grep', '^2030.*(four|five)$', '-n', '1')
    expect(grep.stdout.split('\n').filter((line) => line !== '')).toHaveLength(2)
  })

  test.each([
    [['logs', '-n', 'many'], '-n'],
    [['logs', '--since', 'noon'], '--since'],
    [['logs', '--grep', '('], '--grep'],
  ])('%j: 2', async (args, says) => {
    const ended = await place.run(...args)
    expect(ended.code, ended.output).toBe(2)
    expect(ended.output).toContain(says)
  })

  test('-f goes on over a lost connection and a rotated file, without a line lost or told twice; ^C is 130', async () => {
    const running = place.start('logs', '-f', '-n', '1', '--hosts', 'web3')
    appendFileSync(logOf('web3'), `${at(10)} before\n`)
    await running.seen(/before/)
    // The tail of a host ends: to the reader that is a connection that was lost.
    await eventually('the reader was ended', () => {
      const pids = readersOf(logOf('web3'))
      for (const pid of pids) process.kill(pid)
      return pids.length > 0
    })
    appendFileSync(logOf('web3'), `${at(11)} meanwhile\n`)
    await running.seen(/meanwhile/)
    renameSync(logOf('web3'), `${logOf('web3')}.1`)
    appendFileSync(logOf('web3'), `${at(12)} rotated\n`)
    await running.seen(/rotated/)
    running.process.kill('SIGINT')
    const { code, stdout } = await running.finished
    expect(code).toBe(130)
    for (const word of ['before', 'meanwhile', 'rotated'])
      expect(stdout.split(`${word}"`).length - 1, word).toBe(1)
    // Nothing is left behind on the host.
    await eventually('no reader is left', () => readersOf(logOf('web3')).length === 0)
  })
})

describe('ssh', { timeout: 60_000 }, () => {
  test('reaches the host with the settings of the deploy', async () => {
    const { code, stdout, output } = await place.run('ssh', 'web2', '--', 'basename "$HOME"')
    expect(code, output).toBe(0)
    expect(stdout.trim()).toBe('web2')
    expect((await place.run('ssh', 'web2', '--', 'exit 3')).code).toBe(1)
  })

  test('more than one host, or none: which there are', async () => {
    const many = await place.run('ssh', 'web*')
    expect(many.code).toBe(2)
    expect(many.output).toContain('web1, web2, web3')
    expect((await place.run('ssh', 'db')).code).toBe(7)
  })
})
