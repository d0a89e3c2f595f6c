import type { HostState } from '../events.js'

export interface Symbols {
  readonly full: string
  readonly empty: string
  readonly separator: string
  readonly arrow: string
  readonly tail: string
  readonly of: (state: HostState) => string
}

const marks = (active: string, ends: Readonly<Partial<Record<HostState, string>>>) => (state: HostState) =>
  ends[state] ?? active

export const unicodeSymbols: Symbols = {
  full: '━',
  empty: '─',
  separator: ' · ',
  arrow: '→',
  tail: '│',
  of: marks('●', {
    done: '✓',
    failed: '✗',
    'rolling-back': '↩',
    'rolled-back': '↩',
    skipped: '-',
    gone: '-',
    staged: '○',
    probing: '○',
  }),
}

export const asciiSymbols: Symbols = {
  full: '#',
  empty: '-',
  separator: ', ',
  arrow: '->',
  tail: '|',
  of: marks('*', {
    done: '+',
    failed: 'x',
    'rolling-back': '<',
    'rolled-back': '<',
    skipped: '-',
    gone: '-',
    staged: '.',
    probing: '.',
  }),
}

/** As the locale says; none is said to be plain C, where terminals have nothing but ASCII. */
export function symbolsFor(env: NodeJS.ProcessEnv): Symbols {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return /utf-?8/i.test(locale) && env.TERM !== 'linux' ? unicodeSymbols : asciiSymbols
}
