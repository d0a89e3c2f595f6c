import { Chalk } from 'chalk'
import type { Cell, HostState } from './events.js'

/** The only file that loads chalk. Whether there is colour is the caller's decision, never the terminal's. */
export interface Paint {
  readonly tone: (text: string, tone: Cell['tone']) => string
  readonly state: (text: string, state: HostState) => string
  /** Text that belongs to a host, in a colour that this host always has. */
  readonly host: (text: string, host: string) => string
}

export function createPaint(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  const hues = [chalk.cyan, chalk.yellow, chalk.magenta, chalk.blue, chalk.green, chalk.cyanBright]
  const tones = { good: chalk.green, bad: chalk.red, dim: chalk.dim, strong: chalk.bold }
  return {
    tone: (text, tone) => (tone === undefined ? text : tones[tone](text)),
    state: (text, state) => {
      const tone = toneOf[state]
      return tone === undefined ? text : tones[tone](text)
    },
    host: (text, host) => {
      const sum = [...host].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0)
      return (hues[sum % hues.length] ?? chalk.cyan)(text)
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
