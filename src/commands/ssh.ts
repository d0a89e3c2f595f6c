import { DeliverError, exitCodes } from '../errors.js'
import { selectHosts } from '../plan/select.js'
import { quoteWords } from '../remote/quote.js'
import { openFleet } from '../wire.js'
import type { CommandContext, CommandResult } from './context.js'

export interface SshOptions {
  /** One host: its name, or a glob or label that means no other. */
  readonly host: string
  /** Instead of a login shell. As for `exec`: one text is a shell line. */
  readonly command?: readonly string[]
}

/** ssh's own exit code when it could not connect, or lost the connection. */
const sshFailed = 255

/** `deliver ssh`: the system's ssh to one host, with the settings of the deploy. */
export async function ssh(
  context: CommandContext,
  { host: asked, command = [] }: SshOptions,
): Promise<CommandResult> {
  const config = await context.config()
  const fleet = await openFleet(config, context.reporter)
  const [host, ...others] = selectHosts(await fleet.hosts(context.interrupt.signal), [asked])
  if (host === undefined)
    throw new DeliverError('noHosts', `the fleet is empty: ${fleet.name}`, {
      fix: 'Check fleet in the config.',
    })
  if (others.length > 0)
    throw new DeliverError('usage', `${JSON.stringify(asked)} means ${others.length + 1} hosts`, {
      fix: `Name one of them: ${[host, ...others].map(({ name }) => name).join(', ')}.`,
    })
  const { openTerminal, sshArguments } = await import('../adapters/ssh/interactive.js')
  const line = command.length > 1 ? quoteWords(command) : command[0]
  const code = await openTerminal(sshArguments(host, config.ssh, line), context.env)
  if (context.interrupt.reason !== undefined) return { code: exitCodes[context.interrupt.reason], text: '' }
  if (code === sshFailed)
    return {
      code: exitCodes.failed,
      text: `${host.name}: ssh could not connect, or lost the connection; it says why above`,
    }
  // A shell at a terminal ends with the code of its last command, which says nothing about the session.
  if (code === 0 || (line === undefined && context.ask !== undefined))
    return { code: exitCodes.done, text: '' }
  return { code: exitCodes.failed, text: `${host.name}: exit code ${code}` }
}
