import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MuxConnection } from '../../../../src/adapters/ssh/openssh/connection.js'
import { openControl } from '../../../../src/adapters/ssh/openssh/control-socket.js'
import { Frames, sshString, uint32 } from '../../../../src/adapters/ssh/openssh/packet.js'
import { cases } from '../../../cases.js'

/** What a master hands on comes from the host, which may send anything. */
let directory: string
let server: Server
const path = (): string => join(directory, 's')

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-mux-'))
  server = createServer()
  server.listen(path())
  await once(server, 'listening')
})

afterAll(() => {
  server.close()
  rmSync(directory, { recursive: true })
})

/** Both ends of a socket. */
async function ends(): Promise<readonly [ours: Socket, theirs: Socket]> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const ours = createConnection(path())
  const [theirs] = await accepted
  theirs.on('error', () => {})
  return [ours, theirs]
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 2 ** 32 - 1).map(uint32),
  fc.string().map(sshString),
  fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array)),
)
/** A message to one of our channels (or to none), of which the rest may be anything. */
const message = fc
  .tuple(fc.integer({ min: 88, max: 102 }), fc.nat(3), fc.array(word, { maxLength: 4 }))
  .map(([type, channel, rest]) =>
    sshString(Buffer.concat([Buffer.from([0, type]), uint32(channel), ...rest])),
  )
const of = (type: number, channel: number, ...rest: readonly Buffer[]): Buffer =>
  sshString(Buffer.concat([Buffer.from([0, type]), uint32(channel), ...rest]))
const confirmed = (channel: number): Buffer => of(91, channel, uint32(0), uint32(4), uint32(2 ** 20))
const refused = (channel: number): Buffer => of(92, channel, uint32(1))
const success = (channel: number): Buffer => of(99, channel)
const noise = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))

test('whatever a host sends, each command is answered once, and each channel that was opened is closed once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 9, arbitrary: message }, noise), { maxLength: 12 }),
      async (sent) => {
        const [ours, theirs] = await ends()
        theirs.resume()
        let lost = 0
        const connection = new MuxConnection(ours, new Frames(), () => void lost++)
        const answers = [0, 0, 0]
        let opened = 0
        let closed = 0
        for (const index of answers.keys())
          connection.exec('true', (error, channel) => {
            answers[index] = (answers[index] ?? 0) + 1
            if (error !== undefined) return
            opened++
            channel.on('close', () => void closed++)
          })
        theirs.end(Buffer.concat(sent))
        await once(ours, 'close')
        expect(lost).toBe(1)
        expect(Math.max(...answers)).toBeLessThanOrEqual(1)
        expect(closed).toBe(opened)
      },
    ),
    {
      numRuns: cases(60),
      examples: [[[success(2), confirmed(2)]], [[confirmed(1), success(1), refused(1)]]],
    },
  )
})

test('whatever a control socket answers, opening it ends: with an error, or as a master', async () => {
  const reply = fc.oneof(
    fc
      .tuple(fc.constantFrom(0x80000005, 0x80000003, 1, 7), fc.array(word, { maxLength: 3 }))
      .map(([type, rest]) => sshString(Buffer.concat([uint32(type), ...rest]))),
    noise,
  )
  await fc.assert(
    fc.asyncProperty(fc.array(reply, { maxLength: 4 }), async (replies) => {
      const accepted = once(server, 'connection') as Promise<[Socket]>
      const opening = openControl(path(), new AbortController().signal)
      const [theirs] = await accepted
      theirs.on('error', () => {})
      theirs.resume()
      theirs.end(Buffer.concat(replies))
      await expect(opening).rejects.toThrow(Error)
    }),
    { numRuns: cases(60) },
  )
})
