import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fields, Frames, sshString, uint32 } from '../../../../src/adapters/ssh/openssh/packet.js'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))

/** The same bytes in other pieces: a socket cuts them where it likes. */
function cut(stream: Buffer, sizes: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = []
  let offset = 0
  for (const size of sizes) pieces.push(stream.subarray(offset, (offset += size)))
  return [...pieces, stream.subarray(offset)]
}

function allOf(frames: Frames): readonly Buffer[] {
  const found: Buffer[] = []
  for (let frame = frames.next(); frame !== undefined; frame = frames.next()) found.push(frame)
  return found
}

describe('Frames', () => {
  test('frames come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(bytes), fc.array(fc.nat(40)), (sent, sizes) => {
        const frames = new Frames()
        const found: Buffer[] = []
        for (const piece of cut(Buffer.concat(sent.map(sshString)), sizes)) {
          frames.push(piece)
          found.push(...allOf(frames))
        }
        expect(found).toEqual(sent)
      }),
    )
  })

  test('a frame that is cut short is not handed out', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (sent, at) => {
        const frames = new Frames()
        const whole = sshString(sent)
        const end = at % whole.length
        frames.push(whole.subarray(0, end))
        expect(frames.next()).toBeUndefined()
        frames.push(whole.subarray(end))
        expect(frames.next()).toEqual(sent)
      }),
    )
  })

  test('a length that nobody could mean is an error before memory is taken for it', () => {
    for (const length of [256 * 1024 + 1, 2 ** 31, 2 ** 32 - 1]) {
      const frames = new Frames()
      frames.push(uint32(length))
      expect(() => frames.next()).toThrow('too large')
    }
  })
})

describe('Fields', () => {
  test('what was written is read, in order, and nothing beyond the end', () => {
    const field = fc.oneof(
      fc.record({ kind: fc.constant('byte' as const), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('uint32' as const), value: fc.nat(2 ** 32 - 1) }),
      fc.record({ kind: fc.constant('string' as const), value: bytes }),
    )
    fc.assert(
      fc.property(fc.array(field), (written) => {
        const packet = Buffer.concat(
          written.map((each) => {
            if (each.kind === 'string') return sshString(each.value)
            return each.kind === 'byte' ? Buffer.from([each.value]) : uint32(each.value)
          }),
        )
        const fields = new Fields(packet)
        for (const { kind, value } of written) expect(fields[kind]()).toEqual(value)
        expect(() => fields.byte()).toThrow('shorter')
      }),
    )
  })

  test('bytes that nobody chose are read or refused, never read beyond', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.constantFrom('byte', 'uint32', 'string', 'text')), (packet, kinds) => {
        const fields = new Fields(packet)
        let taken = 0
        try {
          for (const kind of kinds) {
            const value = fields[kind]()
            taken += typeof value === 'number' ? (kind === 'byte' ? 1 : 4) : 4 + value.length
          }
        } catch (error) {
          expect(error).toEqual(new Error('a packet is shorter than it says'))
        }
        expect(taken).toBeLessThanOrEqual(packet.length)
      }),
    )
  })
})
