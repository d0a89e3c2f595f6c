import { systemClock } from '../adapters/clock.js'
import { cleanBuilds } from '../build/clean.js'
import { DeliverError, exitCodes } from '../errors.js'
import { readPointer } from '../store/pointer.js'
import { openStore } from '../wire.js'
import { localPath, openBuilding, type Building } from './building.js'
import type { CommandContext, CommandResult } from './context.js'

export interface CleanOptions {
  readonly keep?: string | undefined
  /** Releases that stay whatever their age. */
  readonly protect?: readonly string[]
}

/** `deliver clean`: removes old prebuilt tags and archives from this clone, and gives back their space. */
export async function clean(context: CommandContext, options: CleanOptions = {}): Promise<CommandResult> {
  const building = await openBuilding(context)
  const { config, git } = building
  const { directory } = config.archive
  const plan = await cleanBuilds({
    git,
    clock: systemClock,
    reporter: context.reporter,
    keep: options.keep === undefined ? config.build.keep : keepOf(options.keep),
    protect: [...(options.protect ?? []), ...(await inProduction(building))],
    directory: directory === undefined ? undefined : localPath(config, directory),
    signal: context.interrupt.signal,
  })
  const text = `${plan.remove.length} old builds removed from this clone, ${plan.keep.length} kept`
  return { code: exitCodes.done, text, data: plan }
}

/** The archive of what runs may be wanted again. A store that can't be asked protects nothing: it has its own copy. */
async function inProduction({ config }: Building): Promise<readonly string[]> {
  if (config.store === undefined) return []
  const pointer = await openStore(config)
    .then((store) => readPointer(store, config.app, config.environment))
    .catch(() => undefined)
  return pointer === undefined ? [] : [pointer.release]
}

function keepOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new DeliverError('usage', `--keep: ${JSON.stringify(text)} is no number of builds`, {
    fix: 'Write e.g. 3.',
  })
}
