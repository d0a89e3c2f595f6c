import { archiveRelease, type ArchiveResult } from '../build/archive.js'
import { exitCodes } from '../errors.js'
import { localPath, openBuilding, releaseToBuild, step, type Building } from './building.js'
import type { CommandContext, CommandResult } from './context.js'
import { withBuildHooks } from './build-hooks.js'

export interface ArchiveOptions {
  readonly tag?: string | undefined
  /** False: make all of it, and copy nothing from earlier archives. */
  readonly cache?: boolean | undefined
}

/** `deliver archive`: makes the archive and the manifest of a prebuilt tag. */
export async function archive(context: CommandContext, options: ArchiveOptions = {}): Promise<CommandResult> {
  const building = await openBuilding(context)
  const release = await releaseToBuild(context, building, options.tag)
  const { outcome, record, files } = await makeArchive(context, building, { release, cache: options.cache })
  const size = `${(record.archive.size / 1e6).toFixed(1)} MB, ${record.manifest.entries} entries`
  const text = `${release}: ${outcome === 'reused' ? 'there already' : 'made'}, ${size}, ${files.archive}`
  return { code: exitCodes.done, text, data: { outcome, record, files } }
}

export async function makeArchive(
  context: CommandContext,
  { config, git }: Building,
  { release, cache }: { readonly release: string; readonly cache: boolean | undefined },
): Promise<ArchiveResult> {
  const { format, level, directory } = config.archive
  const points = ['beforeArchive', 'afterArchive'] as const
  return withBuildHooks(context, { config, points }, { release }, () =>
    step(context, 'archive', release, () =>
      archiveRelease({
        git,
        reporter: context.reporter,
        app: config.app,
        release,
        format,
        level,
        reuse: cache,
        directory: directory === undefined ? undefined : localPath(config, directory),
        signal: context.interrupt.signal,
      }),
    ),
  )
}
