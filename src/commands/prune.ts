import { DeliverError, exitCodes } from '../errors.js'
import type { CommandContext, CommandResult } from './context.js'
import { carryOutStorePrune, decideStorePrune } from './prune-store.js'
import { openRollout } from './rollout-session.js'

export interface PruneOptions {
  readonly keep?: string | undefined
  readonly dryRun?: boolean | undefined
  readonly lockWait?: string | undefined
}

/** `deliver prune`: removes releases from the store that nobody needs any more. */
export async function prune(context: CommandContext, options: PruneOptions = {}): Promise<CommandResult> {
  const config = await context.config(options.keep === undefined ? {} : { 'store.keep': options.keep })
  const keep = config.store?.keep
  if (keep === undefined)
    throw new DeliverError('usage', 'store.keep: not set, so every release stays', {
      fix: 'Set it, or say how many of the newest stay: deliver prune --keep 20.',
    })
  const session = await openRollout(context, config, options)
  try {
    const decided = await decideStorePrune(context, session, keep)
    const { remove, keep: kept } = decided
    context.reporter.event({
      type: 'table',
      columns: ['release', '', 'because'],
      rows: [
        ...kept.map(({ release, because }) => [{ text: release }, { text: 'stays' }, { text: because }]),
        ...remove.map(({ release, because }) => [
          { text: release },
          { text: options.dryRun === true ? 'would go' : 'goes' },
          { text: because },
        ]),
      ],
    })
    if (options.dryRun !== true) await carryOutStorePrune(context, session, decided)
    const done = options.dryRun === true ? 'would be removed from' : 'removed from'
    const text = `${remove.length} release(s) ${done} ${session.store.name}, ${kept.length} kept`
    return { code: exitCodes.done, text, data: { remove, keep: kept } }
  } finally {
    await session.close()
  }
}
