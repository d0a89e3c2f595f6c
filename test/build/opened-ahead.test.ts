import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { OpenedAhead } from '../../src/build/opened-ahead.js'

describe('OpenedAhead', () => {
  it('gives the streams in order, and has opened one more than were taken', async () => {
    const opened: string[] = []
    const ahead = new OpenedAhead(['a', 'b', 'c'], async (item) => {
      opened.push(item)
      return Readable.from([item])
    })
    for (const [item, known] of [
      ['a', 'ab'],
      ['b', 'abc'],
      ['c', 'abc'],
    ] as const) {
      expect(await text(await ahead.take())).toBe(item)
      expect(opened.join('')).toBe(known)
    }
    await expect(ahead.take()).rejects.toThrow(RangeError)
    await ahead.close()
  })

  it('tells a failure to whoever takes the stream, and not before', async () => {
    const failing = (item: string): Readable => new PassThrough().destroy(new Error(`${item} failed`))
    const ahead = new OpenedAhead(['a', 'b'], async (item) => {
      if (item === 'b') throw new Error('b was not opened')
      return failing(item)
    })
    await setImmediate()
    const stream = await ahead.take()
    await expect(text(stream)).rejects.toThrow('a failed')
    await setImmediate()
    await expect(ahead.take()).rejects.toThrow('b was not opened')
  })

  it('waits for the end of what nobody took', async () => {
    const streams = [new PassThrough(), new PassThrough()]
    const ahead = new OpenedAhead([0, 1], async (at) => streams[at] ?? Readable.from([]))
    const first = await ahead.take()
    let closed = false
    const closing = ahead.close().then(() => (closed = true))
    streams[1]?.write(Buffer.alloc(1_000_000))
    await setImmediate()
    expect(closed).toBe(false)
    streams[1]?.end()
    await closing
    expect(first.destroyed).toBe(false)
    first.destroy()
    await expect(ahead.take()).rejects.toThrow(RangeError)
  })

  it.each<[string, () => Promise<Readable>]>([
    ['could not be opened', () => Promise.reject(new Error('no'))],
    ['has failed', async () => new PassThrough().destroy(new Error('no'))],
    ['has ended', async () => Readable.from([])],
  ])('closes when what nobody took %s', async (_, open) => {
    const ahead = new OpenedAhead(['a'], open)
    await setImmediate()
    await expect(ahead.close()).resolves.toBeUndefined()
  })

  it('opens nothing of nothing', async () => {
    await new OpenedAhead([], () => Promise.reject(new Error('no'))).close()
  })
})
