import { runSetup } from '../build/setup.js'
import { exitCodes } from '../errors.js'
import { step } from './building.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver setup`: builds the app where its config is. */
export async function setup(context: CommandContext): Promise<CommandResult> {
  const config = await context.config()
  const command = await step(context, 'setup', config.app, () =>
    runSetup({
      directory: config.directory,
      build: config.build,
      env: context.env,
      reporter: context.reporter,
      signal: context.interrupt.signal,
    }),
  )
  return { code: exitCodes.done, text: `${config.app} is set up: ${command}`, data: { command } }
}
