import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Ended, ExecOptions, Host, Session, Transport } from '../../src/ports.js'
import { newline, quote } from '../../src/remote/quote.js'
import { remoteCommand } from '../../src/remote/wire.js'

export interface TransportUnderTest {
  readonly transport: Transport
  /** A host that can be connected to and has a POSIX shell. */
  readonly host: Host
  /** Cuts every connection to the host, without a goodbye. */
  cut(): void | Promise<void>
  stop(): Promise<void>
}

/** What every Transport promises, see src/ports.ts. */
export function transportContract(name: string, start: () => Promise<TransportUnderTest>): void {
  describe(`${name} keeps the Transport contract`, () => {
    let under: TransportUnderTest
    let session: Session

    beforeAll(async () => {
      under = await start()
      session = await under.transport.connect(under.host)
    })

    afterEach(async () => {
      if (!session.alive) session = await under.transport.connect(under.host)
    })

    afterAll(async () => {
      await session?.close()
      await under?.transport.close()
      await under?.stop()
    })

    const run = (command: string, options: Partial<ExecOptions> = {}) => collect(session, command, options)

    test('a session knows its host and is alive', () => {
      expect(session.host).toBe(under.host)
      expect(session.alive).toBe(true)
    })

    test.each([0, 1, 7, 126, 127, 255])('exit code %i is an exit', async (code) => {
      expect((await run(`exit ${code}`)).ended).toEqual({ kind: 'exit', code })
    })

    test('a killed command is a signal, not an exit', async () => {
      expect((await run('kill -9 $$')).ended).toEqual({ kind: 'signal', signal: 'SIGKILL' })
      expect((await run('kill -TERM $$')).ended).toEqual({ kind: 'signal', signal: 'SIGTERM' })
    })

    test('stdout and stderr arrive apart and complete', async () => {
      const result = await run('echo out; echo err >&2; exit 3')
      expect(result).toEqual({ ended: { kind: 'exit', code: 3 }, stdout: 'out\n', stderr: 'err\n' })
    })

    test('the command line reaches the shell byte for byte', async () => {
      expect((await run(`printf %s 'a"b$c\\d é ✓'`)).stdout).toBe('a"b$c\\d é ✓')
    })

    test('thousands of values of any bytes are the same words there', async () => {
      // A NUL can be in no argument.
      const value = fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)).toString('latin1'))
      const values = fc.array(value, { minLength: 900, maxLength: 1_000 })
      await fc.assert(
        fc.asyncProperty(values, async (words) => {
          const line = `${newline.text}set -- ${words.map(quote).join(' ')};for v do printf '%s\\0' "$v";done|od -An -v -tx1\n`
          const { ended, stdout } = await run(remoteCommand, { stdin: Buffer.from(line, 'latin1') })
          expect(ended).toEqual({ kind: 'exit', code: 0 })
          const arrived = Buffer.from(stdout.replaceAll(/\s/g, ''), 'hex').toString('latin1')
          expect(arrived.split('\0').slice(0, -1)).toEqual(words)
        }),
        { numRuns: 10, endOnFailure: true },
      )
    })

    test('without stdin the command sees end of file at once', async () => {
      expect((await run('cat; echo end')).stdout).toBe('end\n')
    })

    test('a buffer is piped to stdin', async () => {
      expect((await run('cat', { stdin: Buffer.from('hello') })).stdout).toBe('hello')
    })

    test('an empty buffer is an empty stdin', async () => {
      expect((await run('wc -c', { stdin: Buffer.alloc(0) })).stdout.trim()).toBe('0')
    })

    test('a stream is piped to stdin, and onSent counts its bytes', async () => {
      const body = randomBytes(5_000_000)
      const sent: number[] = []
      const result = await run('sha256sum', {
        stdin: Readable.from(slices(body, 65_536)),
        onSent: (bytes) => sent.push(bytes),
      })
      expect(result.stdout.slice(0, 64)).toBe(createHash('sha256').update(body).digest('hex'))
      expect(sent.at(-1)).toBe(body.length)
      expect(sent).toEqual([...sent].sort((a, b) => a - b))
    })

    test('a slow reader slows the sender down', async () => {
      let given = 0
      const endless = new Readable({
        read() {
          given += 65_536
          this.push(Buffer.alloc(65_536))
        },
      })
      const result = await run('sleep 1.5; exit 0', { stdin: endless })
      expect(result.ended).toEqual({ kind: 'exit', code: 0 })
      expect(given).toBeLessThan(16_000_000)
      expect(endless.destroyed).toBe(true)
    })

    test('a command that leaves its stdin unread ends with its own code', async () => {
      const stdin = Readable.from(slices(randomBytes(8_000_000), 65_536))
      expect((await run('exit 4', { stdin })).ended).toEqual({ kind: 'exit', code: 4 })
      expect(stdin.destroyed).toBe(true)
    })

    test('a stdin that fails is a lost end that says so', async () => {
      const stdin = new PassThrough()
      stdin.write('some')
      setImmediate(() => stdin.destroy(new Error('disk on fire')))
      expect(lost((await run('cat >/dev/null; sleep 5', { stdin })).ended)).toContain('disk on fire')
      expect(session.alive).toBe(true)
    })

    test('a stdin that has failed before is a lost end, too', async () => {
      const stdin = new PassThrough()
      stdin.on('error', () => {})
      stdin.destroy(new Error('gone'))
      expect(lost((await run('cat', { stdin })).ended)).not.toBe('')
    })

    test('a stdin that never comes does not keep a finished command waiting', async () => {
      const stdin = new PassThrough()
      expect((await run('exit 6', { stdin })).ended).toEqual({ kind: 'exit', code: 6 })
      expect(stdin.destroyed).toBe(true)
    })

    test('a deadline is a lost end, and the session lives on', async () => {
      const before = Date.now()
      expect(lost((await run('sleep 30', { timeout: 300 })).ended)).toContain('0.3 s')
      expect(Date.now() - before).toBeLessThan(5_000)
      expect(session.alive).toBe(true)
      expect((await run('echo still here')).stdout).toBe('still here\n')
    })

    test('silence is a lost end, output is not silence', async () => {
      expect(lost((await run('sleep 30', { idleTimeout: 300 })).ended)).toContain('no byte')
      const chatty = await run('for i in 1 2 3 4 5 6 7; do echo $i; sleep 0.35; done', { idleTimeout: 2_000 })
      expect(chatty.ended).toEqual({ kind: 'exit', code: 0 })
    })

    test('an abort is a lost end', async () => {
      const controller = new AbortController()
      const running = run('echo started; sleep 30', {
        signal: controller.signal,
        onStdout: () => controller.abort(new Error('enough')),
      })
      expect(lost((await running).ended)).toContain('interrupt')
      expect(lost((await run('true', { signal: controller.signal })).ended)).toContain('interrupt')
    })

    test('a background child that holds stdout does not hold the end', async () => {
      const before = Date.now()
      const result = await run('sleep 60 & echo started; exit 5', { timeout: 30_000 })
      expect(result).toMatchObject({ ended: { kind: 'exit', code: 5 }, stdout: 'started\n' })
      expect(Date.now() - before).toBeLessThan(10_000)
    })

    test('output is drained though nobody listens', async () => {
      const ended = await session.exec('head -c 20000000 /dev/zero; head -c 5000000 /dev/zero >&2; exit 9', {
        timeout: 60_000,
      })
      expect(ended).toEqual({ kind: 'exit', code: 9 })
    })

    test('much output arrives whole', async () => {
      const hash = createHash('sha256')
      let size = 0
      const take = (chunk: Buffer) => {
        size += chunk.length
        hash.update(chunk)
      }
      const ended = await session.exec('head -c 30000000 /dev/zero', { timeout: 60_000, onStdout: take })
      expect(ended).toEqual({ kind: 'exit', code: 0 })
      expect(size).toBe(30_000_000)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.alloc(30_000_000)).digest('hex'))
    })

    test('a listener that throws ends its own command only', async () => {
      const onStdout = () => {
        throw new Error('cannot write')
      }
      expect(lost(await session.exec('echo x; sleep 30', { timeout: 20_000, onStdout }))).toContain(
        'cannot write',
      )
      expect(session.alive).toBe(true)
    })

    test('many commands at once all end, each with its own result', async () => {
      const results = await Promise.all(
        Array.from({ length: 25 }, (_, index) => run(`sleep 0.1; echo ${index}; exit ${index}`)),
      )
      expect(results.map(({ stdout }) => stdout.trim())).toEqual(results.map((_, index) => String(index)))
      expect(results.map(({ ended }) => ended)).toEqual(results.map((_, code) => ({ kind: 'exit', code })))
    })

    test('commands queue behind hung ones, which give their places back', async () => {
      const hung = Array.from({ length: 8 }, () => run('sleep 20', { timeout: 600 }))
      for (const { ended } of await Promise.all(hung)) expect(ended.kind).toBe('lost')
      expect((await run('exit 2', { timeout: 15_000 })).ended).toEqual({ kind: 'exit', code: 2 })
    })

    describe('openTcp', () => {
      let echo: Server
      beforeAll(async () => {
        echo = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket))
        echo.listen(0, '127.0.0.1')
        await once(echo, 'listening')
      })
      afterAll(() => echo.close())
      const address = () => ({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port })

      test('is a stream in both directions', async () => {
        const stream = await session.openTcp(address())
        stream.end('ping'.repeat(100_000))
        expect(await text(stream)).toBe('ping'.repeat(100_000))
      })

      test('can be destroyed', async () => {
        const stream = await session.openTcp(address())
        stream.destroy()
        await once(stream, 'close')
        expect(stream.destroyed).toBe(true)
        expect((await run('exit 1')).ended).toEqual({ kind: 'exit', code: 1 })
      })

      test('rejects when nobody listens, and names the address', async () => {
        await expect(session.openTcp({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
          name: 'DeliverError',
          message: expect.stringContaining('127.0.0.1:1') as string,
        })
        expect(session.alive).toBe(true)
      })

      test('rejects with the reason of its signal', async () => {
        await expect(session.openTcp(address(), AbortSignal.abort(new Error('never mind')))).rejects.toThrow(
          'never mind',
        )
      })
    })

    test('a cut connection is a lost end, and the session knows', async () => {
      const first = new Promise<void>((resolve) => {
        void session
          .exec('echo up; sleep 30', { timeout: 20_000, onStdout: () => resolve() })
          .then((ended) => {
            ends.push(ended)
          })
      })
      const ends: Ended[] = []
      await first
      const sending = session.exec('cat >/dev/null; sleep 30', { timeout: 20_000, stdin: endlessBytes() })
      await under.cut()
      expect(lost(await sending)).toContain('lost')
      expect(session.alive).toBe(false)
      expect(ends.map((ended) => ended.kind)).toEqual(['lost'])
      expect((await run('true')).ended.kind).toBe('lost')
      await expect(session.openTcp({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({
        name: 'DeliverError',
      })
      await session.close()
    })

    test('a closed session is not alive, and closing again is fine', async () => {
      const other = await under.transport.connect(under.host)
      const running = other.exec('sleep 30', { timeout: 20_000 })
      await other.close()
      await other.close()
      expect(other.alive).toBe(false)
      expect((await running).kind).toBe('lost')
      expect(lost(await other.exec('true', { timeout: 1_000 }))).toContain('closed')
    })

    test('connect gives up when its signal says so', async () => {
      await expect(under.transport.connect(under.host, AbortSignal.abort(new Error('stop')))).rejects.toThrow(
        'stop',
      )
    })
  })
}

async function collect(session: Session, command: string, options: Partial<ExecOptions>) {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const ended = await session.exec(command, {
    timeout: 60_000,
    ...options,
    onStdout: (chunk) => {
      stdout.push(chunk)
      options.onStdout?.(chunk)
    },
    onStderr: (chunk) => stderr.push(chunk),
  })
  return { ended, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** The reason of a lost end; fails the test for any other. */
function lost(ended: Ended): string {
  expect(ended.kind).toBe('lost')
  return ended.kind === 'lost' ? ended.because : ''
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function endlessBytes(): Readable {
  return new Readable({
    read() {
      this.push(Buffer.alloc(65_536))
    },
  })
}
