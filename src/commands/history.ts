import { exitCodes } from '../errors.js'
import { readHistory } from '../store/history.js'
import { openStore } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'
import { countOf } from './releases.js'

/** `deliver history`: who deployed what, and how it ended, newest first. */
export async function history(
  context: CommandContext,
  options: { readonly limit?: string | undefined } = {},
): Promise<CommandResult> {
  const config = await context.config()
  const store = await openStore(config)
  const { app, environment } = config
  const { entries, unreadable } = await readHistory(store, {
    app,
    environment,
    limit: countOf(options.limit),
  })
  context.reporter.event({
    type: 'table',
    columns: ['when', 'command', 'release', 'code', 'by', 'result'],
    rows: entries.map((entry) => [
      { text: entry.ended.replace('T', ' ').slice(0, 16), tone: 'dim' },
      { text: entry.command },
      { text: entry.release, tone: 'strong' },
      { text: String(entry.code), tone: entry.code === exitCodes.done ? 'good' : 'bad' },
      { text: entry.job === undefined ? entry.by : `${entry.by}, ${entry.job}` },
      { text: entry.text, tone: 'dim' },
    ]),
  })
  for (const key of unreadable)
    context.reporter.event({ type: 'warning', text: `${key} can't be read by this version of deliver` })
  const text = entries.length === 0 ? `nothing was deployed to ${environment} yet` : `${entries.length} runs`
  return { code: exitCodes.done, text, data: entries }
}
