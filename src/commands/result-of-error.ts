import { DeliverError, exitCodeOf, exitCodes } from '../errors.js'
import type { CommandContext, CommandResult } from './context.js'

/**
 * How a command ended that threw. An error that comes because somebody asked to stop is that interrupt, not a failure. `unexpected`:
 * the text of what is no DeliverError.
 */
export function resultOf(
  error: unknown,
  interrupt: CommandContext['interrupt'],
  { unexpected }: { readonly unexpected: (error: unknown) => string },
): CommandResult {
  const code = interrupt.reason === undefined ? exitCodeOf(error) : exitCodes[interrupt.reason]
  if (interrupt.reason !== undefined && error === interrupt.signal.reason)
    return { code, text: `${interrupt.reason}; nothing more was begun` }
  if (!(error instanceof DeliverError)) return { code, text: unexpected(error) }
  return { code, text: error.message, ...(error.fix === undefined ? {} : { fix: error.fix }) }
}
