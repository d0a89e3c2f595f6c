import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../adapters/clock.js'
import type { SetupResult } from '../build/cached-setup.js'
import { runSetup } from '../build/setup.js'
import type { Config } from '../config/types.js'
import { exitCodes } from '../errors.js'
import { step } from './building.js'
import type { CommandContext, CommandResult } from './context.js'
import { revealed } from './secrets.js'
import { withBuildHooks } from './build-hooks.js'

export interface SetupOptions {
  /** False: run the command, and keep nothing of what it makes. */
  readonly cache?: boolean | undefined
}

/** `deliver setup`: builds the app where its config is. */
export async function setup(context: CommandContext, options: SetupOptions = {}): Promise<CommandResult> {
  const config = await context.config()
  const { command, outcome } = await withBuildHooks(
    context,
    { config, points: ['beforeSetup', 'afterSetup'] },
    {},
    () => step(context, 'setup', config.app, () => setUp(context, config, options.cache !== false)),
  )
  if (!existsSync(fileURLToPath(import.meta.url))) {
    const text =
      'setup removed deliver itself, as one of the development dependencies. This run goes on; install ' +
      'it outside of the app for the next one: npm install --global deliver-cli'
    context.reporter.event({ type: 'warning', text })
  }
  const how = {
    ran: 'is set up',
    restored: 'is set up from the clone, as by',
    unchanged: 'is set up already, as by',
  }
  const text = `${config.app} ${how[outcome]}: ${command}`
  return { code: exitCodes.done, text, data: { command, outcome } }
}

/** Outside of a clone there is nowhere to keep anything. */
async function setUp(context: CommandContext, config: Config, cache: boolean): Promise<SetupResult> {
  const { directory, build } = config
  const request = {
    directory,
    build: {
      ...build,
      ...(cache ? {} : { cache: { kind: 'off' } as const }),
      env: await revealed(context, config, build.env, 'build.env'),
    },
    redactor: context.secrets.redactor,
    env: context.env,
    reporter: context.reporter,
    signal: context.interrupt.signal,
  }
  const { openGit } = await import('../adapters/git.js')
  const git = await openGit(directory).catch(() => undefined)
  if (git === undefined) return { command: await runSetup(request), outcome: 'ran' }
  const { cachedSetup } = await import('../build/cached-setup.js')
  return cachedSetup({
    ...request,
    keyEnv: build.env,
    directory: git.location.directory,
    git,
    clock: systemClock,
  })
}
