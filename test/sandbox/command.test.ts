import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import { login, open, run } from './client.js'
import { eventually, scratchSandbox } from './scratch.js'

let sandbox: Sandbox
let client: Client
let home: string

beforeAll(async () => {
  sandbox = await scratchSandbox()
  client = await login(sandbox)
  home = sandbox.hosts[0]!.directory
  return () => client.end()
})

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('how a command ends', () => {
  test.each([0, 1, 7, 127, 255])('exit code %i arrives', async (code) => {
    expect(await run(client, `exit ${code}`)).toMatchObject({ code, signal: undefined })
  })

  test.each(['TERM', 'KILL', 'HUP', 'SEGV'])(
    'death by SIG%s arrives as that signal, not as a code',
    async (signal) => {
      expect(await run(client, `kill -${signal} $$`)).toMatchObject({ code: null, signal: `SIG${signal}` })
    },
  )

  test('a signal that SSH has no name for becomes 128 + its number', async () => {
    expect(await run(client, 'kill -XCPU $$')).toMatchObject({ code: 128 + 24 })
  })

  test('a command that is not there is 127, with the shell’s words on stderr', async () => {
    const ended = await run(client, 'no-such-command-here')
    expect(ended.code).toBe(127)
    expect(String(ended.stderr)).toContain('no-such-command-here')
  })

  test('a command line with a NUL byte is refused, and the host lives on', async () => {
    expect(await run(client, 'echo a\0b')).toMatchObject({ code: 127 })
    expect(await run(client, 'echo on')).toMatchObject({ code: 0 })
  })

  test('the exit code comes at once though a background child holds the output; the close waits for it', async () => {
    const command = '(while [ ! -e release ]; do sleep 0.05; done; echo late) & echo early; sleep 0.1'
    const { channel, ended } = await open(client, command)
    await new Promise((resolve) => channel.once('exit', resolve))
    expect(await Promise.race([ended, sleep(200, 'open')])).toBe('open')
    await run(client, 'touch release')
    expect(String((await ended).stdout)).toBe('early\nlate\n')
  })

  test('a signal of the client reaches the whole process group', async () => {
    const { channel, ended } = await open(client, 'sleep 600 | sleep 600; echo never')
    channel.signal('TERM')
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  })
})

describe('the place of a command', () => {
  test('is the host’s home, with an environment of its own', async () => {
    process.env.DELIVER_TEST_SECRET = 'of the machine'
    const ended = await run(
      client,
      'pwd; echo "$HOME $USER $SHELL ${DELIVER_TEST_SECRET-none}"; command -v service; command -v node',
    )
    const [pwd, login, service, node] = String(ended.stdout).split('\n')
    expect(pwd).toBe(await realpath(home))
    expect(login).toBe(`${home} deploy /bin/sh none`)
    expect(service).toBe(join(home, 'bin', 'service'))
    expect(node).toBe(process.execPath)
  })

  test('is a process group of its own', async () => {
    const ended = await run(client, 'ps -o pgid= -p $$; echo $$')
    const [group, pid] = String(ended.stdout).trim().split(/\s+/)
    expect(group).toBe(pid)
  })

  test.each(['pty', 'x11'] as const)('no %s', async (what) => {
    const refused = new Promise((resolve, reject) => {
      client.exec('true', { [what]: true }, (error) => (error ? reject(error) : resolve('granted')))
    })
    await expect(refused).rejects.toThrow(/Unable to request/)
  })

  test('no shell without a command, no sftp', async () => {
    const own = await login(sandbox) // ssh2's client leaves the channel of a refused shell open
    await expect(
      new Promise((resolve, reject) => own.shell(false, (e) => (e ? reject(e) : resolve(1)))),
    ).rejects.toThrow('shell')
    await expect(
      new Promise((resolve, reject) => own.sftp((e) => (e ? reject(e) : resolve(1)))),
    ).rejects.toThrow('sftp')
    own.end()
  })
})

describe('streams', () => {
  test('no stdin is end of file at once', async () => {
    expect(await run(client, 'cat; echo after')).toMatchObject({ code: 0, stdout: Buffer.from('after\n') })
  })

  test('24 MiB of stdin arrive whole, and come back whole', async () => {
    const bytes = randomBytes(24 * 1024 * 1024)
    const ended = await run(client, 'tee sent; cat sent >&2', bytes)
    expect(sha256(ended.stdout)).toBe(sha256(bytes))
    expect(sha256(ended.stderr)).toBe(sha256(bytes))
    expect(sha256(await readFile(join(home, 'sent')))).toBe(sha256(bytes))
  })

  test('both outputs at once, more than the window, to a client that reads late: nothing is lost or doubled', async () => {
    const { channel, ended } = await open(
      client,
      'seq 1 700000; seq 1 700000 >&2; (seq 700001 1400000 >&2) & seq 700001 1400000; wait',
    )
    channel.pause()
    channel.stderr.pause()
    await sleep(300)
    channel.resume()
    channel.stderr.resume()
    const { stdout, stderr } = await ended
    const expected = sha256(Buffer.from(Array.from({ length: 1_400_000 }, (_, i) => `${i + 1}\n`).join('')))
    expect(sha256(stdout)).toBe(expected)
    expect(sha256(stderr)).toBe(expected)
  })

  test('stdin is not taken faster than the command reads it', async () => {
    let taken = 0
    const source = new Readable({
      read() {
        taken += 65_536
        this.push(taken > 64 * 1024 * 1024 ? null : Buffer.alloc(65_536))
      },
    })
    const end = run(client, 'while [ ! -e read-on ]; do sleep 0.05; done; wc -c', source)
    let before = -1
    await eventually('the flow stops', async () => {
      const still = taken === before
      before = taken
      await sleep(150)
      return still && taken > 0
    })
    expect(taken).toBeLessThan(16 * 1024 * 1024)
    await run(client, 'touch read-on')
    expect(String((await end).stdout).trim()).toBe(String(64 * 1024 * 1024))
  })

  test('a command that ends without reading 8 MiB of stdin ends all the same', async () => {
    expect(await run(client, 'exit 3', randomBytes(8 * 1024 * 1024))).toMatchObject({ code: 3 })
    expect(await run(client, 'exec <&-; sleep 0.2; exit 4', randomBytes(8 * 1024 * 1024))).toMatchObject({
      code: 4,
    })
  })

  test('ten at once on one connection, each with its own bytes', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const bytes = randomBytes(512 * 1024)
        const ended = await run(client, `cat; exit ${i}`, bytes)
        return ended.code === i && ended.stdout.equals(bytes)
      }),
    )
    expect(all).toEqual(Array.from({ length: 10 }, () => true))
  })

  test('the eleventh session is refused as by a stock sshd, and allowed after one has ended', async () => {
    const held = await Promise.all(Array.from({ length: 10 }, () => open(client, 'cat')))
    await expect(open(client, 'true')).rejects.toThrow('Channel open failure')
    for (const { channel } of held) channel.end()
    await Promise.all(held.map(({ ended }) => ended))
    expect(await run(client, 'exit 5')).toMatchObject({ code: 5 })
  })

  test('40 connections at once', async () => {
    const codes = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const own = await login(sandbox)
        const { code } = await run(own, `sleep 0.1; exit ${i}`)
        own.end()
        return code
      }),
    )
    expect(codes).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })
})

describe('a client that goes away', () => {
  test('leaves its command running, with end of file on stdin', async () => {
    const own = await login(sandbox)
    await open(own, 'cat >got; sleep 0.3; echo done >went-on')
    await eventually('cat runs', () => existsSync(join(home, 'got')))
    own.destroy()
    await eventually('the command ran to its end', () => existsSync(join(home, 'went-on')))
  })

  test('gives a broken pipe to a command that goes on writing', async () => {
    const own = await login(sandbox)
    const { channel } = await open(
      own,
      'trap "" PIPE; while echo x; do :; done 2>/dev/null; echo broke >broken',
    )
    await new Promise((resolve) => channel.once('data', resolve))
    own.destroy()
    await eventually('writing failed', () => existsSync(join(home, 'broken')))
  })

  test('closing one channel leaves the connection usable', async () => {
    const { channel } = await open(client, 'cat; echo closed >closed')
    channel.close()
    await eventually('end of file', () => existsSync(join(home, 'closed')))
    expect(await run(client, 'exit 6')).toMatchObject({ code: 6 })
  })
})
