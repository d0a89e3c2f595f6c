import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runSetup } from '../build/setup.js'
import { exitCodes } from '../errors.js'
import { step } from './building.js'
import type { CommandContext, CommandResult } from './context.js'
import { revealed } from './secrets.js'
import { withBuildHooks } from './build-hooks.js'

/** `deliver setup`: builds the app where its config is. */
export async function setup(context: CommandContext): Promise<CommandResult> {
  const config = await context.config()
  const { secrets } = context
  const command = await withBuildHooks(context, { config, points: ['beforeSetup', 'afterSetup'] }, {}, () =>
    step(context, 'setup', config.app, async () =>
      runSetup({
        directory: config.directory,
        build: { ...config.build, env: await revealed(context, config, config.build.env, 'build.env') },
        redactor: secrets.redactor,
        env: context.env,
        reporter: context.reporter,
        signal: context.interrupt.signal,
      }),
    ),
  )
  if (!existsSync(fileURLToPath(import.meta.url))) {
    const text =
      'setup removed deliver itself, as one of the development dependencies. This run goes on; for single steps install ' +
      'deliver outside of the app: npm install --global deliver-cli'
    context.reporter.event({ type: 'warning', text })
  }
  return { code: exitCodes.done, text: `${config.app} is set up: ${command}`, data: { command } }
}
