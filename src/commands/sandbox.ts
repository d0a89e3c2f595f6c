import { resolve } from 'node:path'
import { DeliverError, exitCodes } from '../errors.js'
import { runSandbox } from '../sandbox/run.js'
import type { CommandContext, CommandResult } from './context.js'

export interface SandboxOptions {
  readonly hosts?: string | undefined
  readonly directory?: string | undefined
  readonly port?: string | undefined
  readonly start?: string | undefined
  readonly fresh?: boolean | undefined
  readonly write?: string | undefined
}

/** `deliver sandbox`: hosts on this machine, until somebody stops it. */
export async function sandbox(context: CommandContext, options: SandboxOptions = {}): Promise<CommandResult> {
  await runSandbox(
    {
      hosts: numberOf('--hosts', options.hosts, 50),
      directory: options.directory,
      port: numberOf('--port', options.port, 65_535),
      start: options.start,
      fresh: options.fresh,
      configFile: moduleFile(context.cwd, options.write),
    },
    (text) => context.print(text),
    context.interrupt.signal,
  )
  return { code: exitCodes.done, text: 'the sandbox has stopped; its directories stay' }
}

/** What is written is a module. */
function moduleFile(cwd: string, name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  if (/\.[cm]?[jt]s$/.test(name)) return resolve(cwd, name)
  throw new DeliverError('usage', `--write: ${JSON.stringify(name)} is not the name of a module`, {
    fix: 'Write e.g. --write deliver.config.ts.',
  })
}

function numberOf(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new DeliverError('usage', `${flag}: ${JSON.stringify(text)} is no number from 1 to ${most}`, {
    fix: `Write e.g. ${flag} 3.`,
  })
}
