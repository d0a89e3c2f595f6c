import type { Config } from '../config/types.js'
import { exitCodes } from '../errors.js'
import { refuseChanges } from '../build/commit.js'
import { clean } from './clean.js'
import { depsOf, openBuilding, releaseToBuild } from './building.js'
import { commitDeps } from './commit-deps.js'
import type { CommandContext, CommandResult } from './context.js'
import { deploy, deployTold } from './deploy.js'
import { askedFor } from './deploy-plan.js'
import { checkChoice, type MigrationChoice } from './migrate.js'
import { readSecrets } from './host-files.js'
import { publish } from './publish.js'
import { rolloutFlags, type RolloutOptions } from './rollout-options.js'
import { readPointer } from '../store/pointer.js'
import { readRelease } from '../store/releases.js'
import { loadEverything, openStore } from '../wire.js'
import { setup } from './setup.js'
import { withNotices, type Told } from './with-notices.js'

export interface ShipOptions extends RolloutOptions {
  readonly tag?: string | undefined
  readonly force?: boolean | undefined
  readonly allowDirty?: boolean | undefined
  /** As in SetupOptions and ArchiveOptions. */
  readonly cache?: boolean | undefined
  readonly migrate?: MigrationChoice | undefined
}

/**
 * `deliver ship`: setup, commit-deps, archive, publish and deploy, in order, stopping at the first that fails. The name
 * of the release is decided once, at the start.
 */
export async function ship(context: CommandContext, options: ShipOptions = {}): Promise<CommandResult> {
  const config = await context.config(rolloutFlags(options))
  checkChoice(config, options.migrate)
  const building = await openBuilding(context)
  const tag = await releaseToBuild(context, building, options.tag)
  if (options.dryRun === true) return wouldShip(context, options, tag)
  if (options.allowDirty !== true) await refuseChanges(building.git, await depsOf(building))
  await loadEverything(config)
  return withNotices(context, config, { command: 'ship', dryRun: false }, (told) =>
    buildAndDeploy(context, options, { config, tag, told }),
  )
}

interface Shipment {
  readonly config: Config
  readonly tag: string
  readonly told: Told
}

async function buildAndDeploy(
  context: CommandContext,
  options: ShipOptions,
  { config, tag, told }: Shipment,
): Promise<CommandResult> {
  // Wrong credentials, a wrong bucket or a missing secret fail here, and not after a long build.
  const store = await openStore(config)
  await readRelease(store, config.app, tag)
  // S3 tells a bucket that isn't there from an object that isn't only where an answer has a body.
  await readPointer(store, config.app, config.environment)
  await readSecrets(context, config)
  told.begin({ release: tag })
  const steps = [
    () => setup(context, { cache: options.cache }),
    () => commitDeps(context, { tag, force: options.force, allowDirty: options.allowDirty }),
    () => publish(context, { tag, cache: options.cache }),
  ]
  for (const step of steps) {
    context.interrupt.signal.throwIfAborted()
    const { code, text } = await step()
    if (code !== exitCodes.done) return { code, text }
    context.reporter.event({ type: 'note', text })
  }
  const asked = await askedFor(context, { ...options, release: tag })
  const deployed = await deployTold(context, asked, told)
  if (deployed.code === exitCodes.done) await tidy(context, tag)
  return deployed
}

/** Nothing is built: of a release that is published already there is a plan, of any other only its name. */
async function wouldShip(context: CommandContext, options: ShipOptions, tag: string): Promise<CommandResult> {
  const config = await context.config()
  const store = await openStore(config)
  if ((await readRelease(store, config.app, tag)) !== undefined)
    return deploy(context, { ...options, release: tag })
  const text = `dry run: would build ${tag}, publish it in ${store.name} and deploy it; nothing was changed`
  return { code: exitCodes.done, text }
}

/** Old builds go at the end. A clone that can't be tidied is no reason to call the deploy failed. */
async function tidy(context: CommandContext, release: string): Promise<void> {
  try {
    await clean(context, { protect: [release] })
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error)
    context.reporter.event({ type: 'warning', text: `old builds were not removed: ${because}` })
  }
}
