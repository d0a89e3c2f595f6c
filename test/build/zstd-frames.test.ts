import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/build/decompressor.js'
import { ZstdFrames } from '../../src/build/zstd-frames.js'

const zstd = (input: Buffer, ...args: string[]): Buffer =>
  execFileSync('zstd', ['-qc', ...args], { input, maxBuffer: 1 << 26 })

const skippable = Buffer.concat([Buffer.from('502a4d1803000000', 'hex'), Buffer.from('abc')])
const emptySkippable = Buffer.from('5f2a4d1800000000', 'hex')
const contents = [
  Buffer.from('one'),
  Buffer.alloc(0),
  Buffer.alloc(3_000_000, 'r'),
  randomBytes(400_000),
  Buffer.from('text and more text, '.repeat(20_000)),
]
const frames = [
  ...contents.map((content) => zstd(content)),
  // Without a checksum, with a window, of several threads' jobs.
  zstd(contents[4] ?? Buffer.alloc(0), '--no-check', '--no-content-size', '-19'),
  zstd(Buffer.alloc(9_000_000, 'abcdefg'), '-T2', '-B1MiB'),
]

function split(whole: Buffer, step: number): { parts: Buffer[]; frames: ZstdFrames } {
  const splitter = new ZstdFrames()
  const parts: Buffer[] = []
  let part: Buffer[] = []
  for (let at = 0; at < whole.length; at += step)
    for (const { bytes, last } of splitter.push(whole.subarray(at, at + step))) {
      part.push(bytes)
      if (!last) continue
      parts.push(Buffer.concat(part))
      part = []
    }
  return { parts: [...parts, ...part], frames: splitter }
}

describe('ZstdFrames', () => {
  it.each([1, 7, 65_536, 1 << 26])('cuts at the ends of frames, in pieces of %i', (step) => {
    // By single bytes, three megabytes take too long.
    const some = step < 100 ? frames.filter((frame) => frame.length < 1_000) : frames
    const all = [...some, skippable, ...some, emptySkippable]
    const result = split(Buffer.concat(all), step)
    expect(result.parts.map((part) => part.toString('base64'))).toEqual(
      all.map((part) => part.toString('base64')),
    )
    expect(result.frames.whole).toBe(true)
  })

  it('knows a frame that is cut', () => {
    const [frame = Buffer.alloc(0)] = frames
    for (let length = 1; length < frame.length; length++)
      expect(split(frame.subarray(0, length), 100).frames.whole).toBe(false)
  })

  it('refuses what is no zstd', () => {
    expect(() => split(Buffer.concat([frames[0] ?? Buffer.alloc(0), Buffer.from('more')]), 100)).toThrow(
      /something else/,
    )
  })
})

// On Node 22.15 and newer this is Node's own zstd, else the program.
describe('decompress', () => {
  const whole = Buffer.concat(frames)

  it('reads all frames of an archive', async () => {
    const expected = Buffer.concat([
      ...contents,
      contents[4] ?? Buffer.alloc(0),
      Buffer.alloc(9_000_000, 'abcdefg'),
    ])
    const found = await buffer(Readable.from(decompress(Readable.from([whole]), 'zstd')))
    expect(found.equals(expected)).toBe(true)
  })

  it.each([
    ['cut in a frame', whole.subarray(0, -10)],
    ['cut in the first bytes of a frame', whole.subarray(0, whole.length - (frames.at(-1)?.length ?? 0) + 2)],
    ['followed by something else', Buffer.concat([whole, Buffer.from('something else')])],
    ['with a frame that is damaged', Buffer.concat([whole, damaged(frames[4] ?? Buffer.alloc(0))])],
  ])('fails for an archive that is %s', async (_, bytes) => {
    await expect(buffer(Readable.from(decompress(Readable.from([bytes]), 'zstd')))).rejects.toThrow()
  })
})

function damaged(frame: Buffer): Buffer {
  const copy = Buffer.from(frame)
  copy.writeUInt8(copy.readUInt8(copy.length - 6) ^ 0xff, copy.length - 6)
  return copy
}
