export type Level = 'ok' | 'warning' | 'problem'

export type Area = 'config' | 'git' | 'tools' | 'store' | 'lock' | 'pointer' | 'fleet' | 'host'

/** What `deliver check --fix` can put right: what a run of ours left, and what it alone may touch. */
export type Repair = 'changes' | 'lock' | 'uploads' | 'alias' | 'staging'

/** One thing that was looked at: what it is, and what to do about it. */
export interface Finding {
  readonly level: Level
  readonly area: Area
  /** Of the area `host`: its name. */
  readonly host?: string
  readonly text: string
  /** An instruction. */
  readonly fix?: string
  readonly repair?: Repair
}

/** Makes the findings of one area, or of one host. */
export interface Finder {
  ok(text: string): Finding
  warning(text: string, fix: string, repair?: Repair): Finding
  problem(text: string, fix?: string, repair?: Repair): Finding
}

export function finderOf(area: Area, host?: string): Finder {
  const where = { area, ...(host === undefined ? {} : { host }) }
  const made = (level: Level, text: string, fix?: string, repair?: Repair): Finding => ({
    level,
    ...where,
    text,
    ...(fix === undefined ? {} : { fix }),
    ...(repair === undefined ? {} : { repair }),
  })
  return {
    ok: (text) => made('ok', text),
    warning: (text, fix, repair) => made('warning', text, fix, repair),
    problem: (text, fix, repair) => made('problem', text, fix, repair),
  }
}

/** How an instruction reads that the command can follow by itself. */
export const byItself = 'Or now: deliver check --fix.'
