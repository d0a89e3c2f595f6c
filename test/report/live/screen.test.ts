import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Screen } from '../../../src/report/live/screen.js'
import { lineWriter } from '../../../src/report/writer.js'
import { Emulator } from './emulator.js'

let terminal: Emulator
let screen: Screen
let frame: readonly string[]

function open(columns = 40, rows = 12): void {
  terminal = new Emulator(columns, rows)
  frame = []
  screen = new Screen(terminal, lineWriter(terminal), (width) =>
    frame.map((line) => line.slice(0, width - 1)),
  )
}

function draw(...lines: readonly string[]): void {
  frame = lines
  screen.touch()
  vi.advanceTimersByTime(100)
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  open()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a frame', () => {
  test('is drawn over the one before, longer or shorter', async () => {
    draw('one', 'two')
    expect(await terminal.lines()).toEqual(['one', 'two'])
    draw('one', 'TWO', 'three')
    expect(await terminal.lines()).toEqual(['one', 'TWO', 'three'])
    draw('1')
    expect(await terminal.lines()).toEqual(['1'])
    draw()
    expect(await terminal.lines()).toEqual([''])
  })

  test('is written in one piece, and not at all when nothing changed', () => {
    draw('one', 'two')
    expect(terminal.writes).toBe(1)
    draw('one', 'two')
    expect(terminal.writes).toBe(1)
    draw('one', 'three')
    expect(terminal.writes).toBe(2)
  })

  test('many changes at once are one drawing', () => {
    for (let n = 0; n < 1000; n++) {
      frame = [`line ${n}`]
      screen.touch()
    }
    vi.advanceTimersByTime(100)
    expect(terminal.writes).toBe(1)
  })

  test('is drawn again each second: time passes', async () => {
    draw('1s')
    frame = ['2s']
    vi.advanceTimersByTime(1000)
    expect(await terminal.lines()).toEqual(['2s'])
  })
})

describe('lines that stay', () => {
  test('come above the frame, in their order, and scroll away', async () => {
    draw('FRAME 1', 'FRAME 2')
    for (let n = 1; n <= 20; n++) screen.print(`line ${n}`)
    vi.advanceTimersByTime(100)
    const lines = await terminal.lines()
    expect(lines).toEqual([...Array.from({ length: 20 }, (_, n) => `line ${n + 1}`), 'FRAME 1', 'FRAME 2'])
  })

  test('are printed at once when there is no frame', async () => {
    screen.print('early')
    expect(await terminal.lines()).toEqual(['early'])
  })

  test('and when the frame goes for good, only they are left', async () => {
    draw('FRAME')
    screen.print('kept')
    screen.end()
    screen.print('later')
    expect(await terminal.lines()).toEqual(['kept', 'later'])
    expect(terminal.column).toBe(0)
    vi.advanceTimersByTime(5000)
    expect(await terminal.lines()).toEqual(['kept', 'later'])
  })
})

test('a question has the terminal for itself, and what happens meanwhile is told afterwards', async () => {
  draw('FRAME')
  screen.print('before')
  screen.hold()
  terminal.write('Really? [y/N] ')
  screen.print('meanwhile')
  draw('FRAME 2')
  expect(await terminal.lines()).toEqual(['before', 'Really? [y/N]'])
  terminal.write('y\n')
  screen.release()
  expect(await terminal.lines()).toEqual(['before', 'Really? [y/N] y', 'meanwhile', 'FRAME 2'])
})

describe('a terminal that changes its size', () => {
  test('narrower: the lines that it wrapped go too', async () => {
    screen.print('above')
    draw('a'.repeat(38), 'b'.repeat(38))
    terminal.resize(20, 12)
    vi.advanceTimersByTime(100)
    expect(await terminal.lines()).toEqual(['above', 'a'.repeat(19), 'b'.repeat(19)])
  })

  test('wider', async () => {
    draw('a'.repeat(39))
    terminal.resize(60, 20)
    draw('b'.repeat(59))
    expect(await terminal.lines()).toEqual(['b'.repeat(59)])
  })
})

describe('a terminal that takes nothing', () => {
  test('is not sent frame after frame, and shows the last when it goes on', async () => {
    draw('first')
    terminal.stopped = true
    for (let n = 0; n < 100; n++) draw(`frame ${n}`)
    expect(terminal.writableLength).toBeLessThan(200)
    terminal.go()
    vi.advanceTimersByTime(100)
    expect(await terminal.lines()).toEqual(['frame 99'])
  })

  test('keeps lines up to a limit, and says how many it did not', async () => {
    draw('FRAME')
    terminal.stopped = true
    draw('FRAME 2')
    for (let n = 0; n < 1000; n++) screen.print('x'.repeat(999))
    terminal.go()
    vi.advanceTimersByTime(100)
    const lines = (await terminal.lines()).join('\n')
    expect(lines.match(/738 lines omitted/g)).toHaveLength(1)
  })

  test('or that has gone ends nothing', () => {
    draw('FRAME')
    terminal.destroy()
    draw('FRAME 2')
    screen.print('line')
    vi.advanceTimersByTime(2000)
    screen.end()
    expect(terminal.writes).toBe(1)
  })
})

test('the cursor is never hidden, so that there is nothing to restore', () => {
  const written: string[] = []
  vi.spyOn(terminal, 'write').mockImplementation((text: unknown) => {
    written.push(String(text))
    return true
  })
  draw('one')
  screen.print('above')
  draw('two')
  screen.end()
  expect(written.join('')).not.toContain('\x1b[?25l')
})
