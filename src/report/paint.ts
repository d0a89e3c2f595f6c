import { Chalk } from 'chalk'
import type { Cell, HostState } from './events.js'

/** The only file that loads chalk. Whether there is colour is the caller's decision, never the terminal's. */
export interface Paint {
  readonly tone: (text: string, tone: Cell['tone']) => string
  readonly state: (text: string, state: HostState) => string
}

export function createPaint(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  const tones = { good: chalk.green, bad: chalk.red, dim: chalk.dim, strong: chalk.bold }
  return {
    tone: (text, tone) => (tone === undefined ? text : tones[tone](text)),
    state: (text, state) => {
      const tone = toneOf[state]
      return tone === undefined ? text : tones[tone](text)
    },
  }
}

const toneOf: Readonly<Partial<Record<HostState, NonNullable<Cell['tone']>>>> = {
  done: 'good',
  failed: 'bad',
  'rolling-back': 'bad',
  'rolled-back': 'bad',
  skipped: 'dim',
  gone: 'dim',
}
