import type { Command } from 'commander'
import { complete } from '../guidance/completion.js'

/** A word that a shell would read as something else, or that would not end up as one, is no help. */
const plain = /^[\w@%+=:,./-]+$/

/** The shell waits for us, and so does whoever pressed TAB. Milliseconds. */
const patience = 3000

/** `deliver __complete WORDS...`: the lines to be printed. Never rejects: who can't be asked in time offers nothing. */
export async function answerCompletion(
  program: Command,
  words: readonly string[],
): Promise<readonly string[]> {
  const completion = complete(program, words)
  if (completion.kind === 'files') return [':files']
  if (completion.kind === 'words') return completion.words.map(({ word, about }) => `${word}\t${about}`)
  const signal = AbortSignal.timeout(patience)
  const late = new Promise<readonly string[]>((resolve) =>
    signal.addEventListener('abort', () => resolve([]), { once: true }),
  )
  const here = { cwd: process.cwd(), env: process.env, signal }
  const names = import('../commands/complete.js')
    .then(({ namesFor }) => namesFor(completion, here))
    .catch(() => [])
  const found = await Promise.race([names, late])
  return found.filter((name) => plain.test(name)).map((name) => `${name}\t`)
}
