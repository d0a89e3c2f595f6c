import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it } from 'vitest'
import { listenForInterrupts, type Interrupt } from '../src/interrupt.js'

let source: EventEmitter
let exits: number[]
let notices: string[]
let time: number
let interrupt: Interrupt

beforeEach(() => {
  source = new EventEmitter()
  exits = []
  notices = []
  time = 0
  interrupt = listenForInterrupts(
    source,
    (code) => exits.push(code),
    (text) => notices.push(text),
    () => time,
  )
})

describe('listenForInterrupts', () => {
  it.each([
    ['SIGINT', 'interrupted'],
    ['SIGTERM', 'terminated'],
    ['SIGHUP', 'terminated'],
  ])('%s asks to stop, and exits nothing', (signal, reason) => {
    expect(interrupt.reason).toBeUndefined()
    source.emit(signal)
    expect(interrupt.reason).toBe(reason)
    expect(interrupt.signal.aborted).toBe(true)
    expect(notices).toHaveLength(1)
    expect(exits).toEqual([])
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('a second one, %s, exits at once with its own code', (signal, code) => {
    source.emit('SIGINT')
    time += 1000
    source.emit(signal)
    expect(exits).toEqual([code])
  })

  it('one key press that arrives twice, as under npm, is one', () => {
    source.emit('SIGINT')
    time += 20
    source.emit('SIGINT')
    expect(exits).toEqual([])
    time += 1000
    source.emit('SIGINT')
    expect(exits).toEqual([130])
  })

  it('hears nothing more once it is disposed', () => {
    interrupt.dispose()
    source.emit('SIGINT')
    expect(interrupt.signal.aborted).toBe(false)
    expect(source.listenerCount('SIGINT')).toBe(0)
  })
})
