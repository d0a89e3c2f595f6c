import { publishRelease } from '../build/publish.js'
import { exitCodes } from '../errors.js'
import { openStore } from '../wire.js'
import { makeArchive } from './archive.js'
import { openBuilding, releaseToBuild, step } from './building.js'
import { withBuildHooks } from './build-hooks.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver publish`: puts a release's archive into the store, making it first if need be. */
export async function publish(
  context: CommandContext,
  options: { readonly tag?: string | undefined } = {},
): Promise<CommandResult> {
  const building = await openBuilding(context)
  const store = await openStore(building.config)
  const release = await releaseToBuild(context, building, options.tag)
  const { record, files } = await makeArchive(context, building, release)
  const { config } = building
  const build = { release, commit: record.source.commit }
  const points = ['beforePublish', 'afterPublish'] as const
  const { outcome } = await withBuildHooks(context, { config, points }, build, () =>
    step(context, 'publish', store.name, () =>
      publishRelease({ store, reporter: context.reporter, record, files, signal: context.interrupt.signal }),
    ),
  )
  const text = `${release} ${outcome === 'unchanged' ? 'was published already' : 'published'} in ${store.name}`
  return { code: exitCodes.done, text, data: { outcome, release } }
}
