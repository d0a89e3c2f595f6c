import { scripts, shells } from '../guidance/completion-scripts.js'
import { DeliverError, exitCodes } from '../errors.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver completion SHELL`: prints what the shell must read. */
export function completion(context: CommandContext, { shell }: { readonly shell: string }): CommandResult {
  const known = shells.find((each) => each === shell)
  if (known === undefined)
    throw new DeliverError('usage', `completion: there is no script for ${JSON.stringify(shell)}`, {
      fix: `Write one of ${shells.join(', ')}.`,
    })
  context.print(scripts[known])
  return { code: exitCodes.done, text: '' }
}
