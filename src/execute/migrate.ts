import { codes } from '../remote/answers.js'
import { readMigration } from '../remote/readings.js'
import { migrate } from '../remote/command-verbs.js'
import { readEnd } from './read-end.js'
import { limits, type Run, type RunHost } from './run.js'

export interface Migration {
  readonly release: string
  readonly digest: string
  readonly command: string
  /** Milliseconds, enforced on the host. */
  readonly timeout: number
  readonly env: Readonly<Record<string, string>>
  /** Also when it was done or cut off on this host before. */
  readonly again: boolean
}

/** How a migration went. `unknown`: nobody can tell whether it was done; it is never sent again on that ground. */
export type Migrated =
  | { readonly kind: 'done'; readonly already: boolean; readonly log: string }
  | { readonly kind: 'failed' | 'unknown'; readonly because: string; readonly log: string }

const logLines = 200

/** Runs a migration on a host, from the staged release. An end that was lost on the way is read back from the host. */
export async function migrateHost(run: Run, host: RunHost, migration: Migration): Promise<Migrated> {
  const { release, timeout } = migration
  const call = migrate({ fence: run.fence, ...migration, logLines })
  const answer = await host.link.call(call, { timeout: timeout + limits.change, signal: run.lost })
  const reading = readMigration(answer)
  const { log } = reading
  if (reading.kind === 'ok') return { kind: 'done', already: reading.value.already, log }
  if (reading.kind === 'refused') return { ...refusal(reading), log }
  const end = await readEnd(run, host, { verb: 'migrate', release, within: timeout })
  if (end?.code === codes.ok) return { kind: 'done', already: false, log }
  if (end !== undefined) return { ...refusal(end), log }
  const because = `whether it was done is not known: ${reading.because}`
  return { kind: 'unknown', because, log }
}

function refusal({ code, text }: { readonly code: number; readonly text: string }) {
  return { kind: code === codes.cutOff ? 'unknown' : 'failed', because: text } as const
}
