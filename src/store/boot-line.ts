import { createHash } from 'node:crypto'

/**
 * What a booting server reads of the pointer: one line of words `key=value`, for a POSIX shell that has no JSON parser. A value
 * is plain characters, and `%` with three octal digits for any other byte, so that the line has no quote, no backslash and
 * no space inside a value. The last word is the sha256 of the line before it.
 */
export type BootWord = readonly [key: string, value: string]

const form = '1'

/** The words that differ from move to move stand first: a pointer that differs in nothing else needs no move. */
export function bootLine(
  move: { readonly generation: number; readonly fence: number },
  words: readonly BootWord[],
): string {
  const line = [
    form,
    word(['generation', String(move.generation)]),
    word(['fence', String(move.fence)]),
    ...words.map(word),
  ].join(' ')
  return `${line} line.sha256=${createHash('sha256').update(line).digest('hex')}`
}

/** Whether a line tells the same as these words, whenever it was written. */
export function tellsTheSame(line: string | undefined, words: readonly BootWord[]): boolean {
  if (line === undefined) return false
  return line.split(' ').slice(3, -1).join(' ') === words.map(word).join(' ')
}

function word([key, value]: BootWord): string {
  return `${key}=${encode(value)}`
}

function encode(value: string): string {
  return [...Buffer.from(value)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9._/:@,-]/.test(character) ? character : `%${byte.toString(8).padStart(3, '0')}`
    })
    .join('')
}
