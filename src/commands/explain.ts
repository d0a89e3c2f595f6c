import { constants } from 'node:os'
import { DeliverError, exitCodes } from '../errors.js'
import { exitCodeNotes, type ExitCodeNote } from '../guidance/exit-codes.js'
import { wrapped } from '../guidance/wrap.js'
import { nearest } from '../nearest.js'
import type { CommandContext, CommandResult } from './context.js'

/** `deliver explain [CODE]`: what an exit code, or the kind of an error, means, and what to do next. */
export function explain(
  context: CommandContext,
  { code }: { readonly code?: string | undefined },
): CommandResult {
  const data = code === undefined ? exitCodeNotes : [noteOf(code)]
  context.print(data.map(shown).join('\n'))
  return { code: exitCodes.done, text: '', data }
}

function shown({ code, kind, short, meaning, next }: ExitCodeNote): string {
  const text = [wrapped(meaning, 100, '   '), wrapped(`Next: ${next}`, 100, '   ')].join('\n')
  return `${code}  ${short} (${kind})\n${text}\n`
}

function noteOf(asked: string): ExitCodeNote {
  const found = exitCodeNotes.find(
    ({ code, kind }) =>
      String(code) === asked || kind.toLowerCase() === asked.replaceAll(/[-_ ]/g, '').toLowerCase(),
  )
  if (found !== undefined) return found
  const signal = Object.entries(constants.signals).find(([, number]) => String(number + 128) === asked)?.[0]
  const meant = nearest(
    asked,
    exitCodeNotes.map(({ kind }) => kind),
  )
  const known = exitCodeNotes.map(({ code }) => code).join(', ')
  throw new DeliverError('usage', `explain: deliver has no exit code ${JSON.stringify(asked)} of its own`, {
    fix:
      signal === undefined
        ? `${meant === undefined ? '' : `Did you mean ${meant}? `}Known are ${known}. deliver ssh ends as the command on the host did.`
        : `A shell shows ${asked} for a process that was killed by ${signal}: run the command again, it converges. deliver check tells what the killed one left.`,
  })
}
