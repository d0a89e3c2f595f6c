import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { lineWriter } from '../../src/report/writer.js'

/** A pipe whose reader takes nothing until it is told to. */
class Stalled extends Writable {
  text = ''
  private waiting: (() => void) | undefined
  private flowing = false
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    if (this.flowing) done()
    else this.waiting = done
  }
  flow(): void {
    this.flowing = true
    this.waiting?.()
  }
}

test('lines that a slow reader cannot take are counted where they are missing', async () => {
  const stream = new Stalled()
  const writer = lineWriter(stream, { limit: 20 })
  for (let line = 0; line < 100; line++) writer.write(`line ${line}`)
  expect(stream.writableLength).toBeLessThan(40)
  stream.flow()
  await new Promise((resolve) => stream.write('', resolve))
  writer.write('later')
  await writer.close()
  expect(stream.text).toBe('line 0\nline 1\nline 2\n(97 lines omitted: the reader was too slow)\nlater\n')
})

test('the last line is written however slow the reader is', async () => {
  const stream = new Stalled()
  const writer = lineWriter(stream, { limit: 5 })
  writer.write('one line')
  writer.write('left out')
  writer.writeLast('done')
  stream.flow()
  await writer.close()
  expect(stream.text).toBe('one line\n(1 line omitted: the reader was too slow)\ndone\n')
})

test('closing does not wait for ever', async () => {
  const writer = lineWriter(new Stalled(), { waitAtMost: 1 })
  writer.write('x')
  await expect(writer.close()).resolves.toBeUndefined()
})

test('a reader that has gone is no error', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.destroy()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(child, 'exit')
  const writer = lineWriter(child.stdin)
  for (let line = 0; line < 1000; line++) writer.write('x'.repeat(1000))
  await writer.close()
  writer.write('after')
  await writer.close()
})

test('a stream that was ended or destroyed is no error', async () => {
  for (const stream of [new Stalled().destroy(), new Stalled().end()]) {
    const writer = lineWriter(stream)
    writer.write('x')
    writer.writeLast('x')
    await writer.close()
  }
})
