import { z } from 'zod'
import { command, oneLine, variableName, type Rule } from './names.js'
import type { Secret } from './secret.js'
import { parseBatches, parseDuration, parseSize } from './values.js'
import type { Parsed } from './values.js'

// A config is checked once: parsers that zod would compile for the next time cost more than they save.
z.config({ jitless: true })

/** The kinds of values that the schema is made of. The only file that loads zod. */
export { z }

/** What documentation shows instead of the schema's bare type. */
declare module 'zod' {
  interface GlobalMeta {
    label?: string
  }
}

export function text(rule: Rule, label = 'text') {
  return z
    .string()
    .superRefine((value, context) => {
      const problem = rule(value)
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
    })
    .meta({ label })
}

/** Text, or where to find it: what `secret()` of the library gives. */
export function secretText(rule: Rule) {
  const named = (value: object): number => ['env', 'file', 'command'].filter((key) => key in value).length
  const source = z.strictObject({
    env: text(variableName).exactOptional(),
    file: text(oneLine).exactOptional(),
    command: text(command).exactOptional(),
  })
  const from = z.union([
    text(variableName).transform((env) => ({ env })),
    source
      .refine((value) => named(value) === 1, {
        error: 'names no single source. Write one of env, file or command',
      })
      .transform(({ env, file, command }): Secret['secret'] =>
        env !== undefined ? { env } : file !== undefined ? { file } : { command: command ?? '' },
      ),
  ])
  return z.union([text(rule), z.strictObject({ secret: from })]).meta({ label: 'text or secret' })
}

/** A whole number between two bounds. */
export function whole(least: number, most: number) {
  return z
    .number()
    .superRefine((value, context) => {
      if (Number.isInteger(value) && value >= least && value <= most) return
      context.addIssue({
        code: 'custom',
        message: `${value} is out of range. Write a whole number from ${least} to ${most}`,
      })
    })
    .meta({ label: `whole number from ${least} to ${most}` })
}

/** Text such as `90s`, in milliseconds afterwards. */
export function duration(least = 1) {
  return z
    .string({
      error: ({ input }) =>
        typeof input === 'number' ? `${input} has no unit. Write '${input}s' or '${input}ms'` : undefined,
    })
    .transform((value, context) => {
      const read = parseDuration(value)
      if (read.ok && read.value < least) {
        context.addIssue({ code: 'custom', message: `"${value}" is too short. Write 1s or more` })
        return z.NEVER
      }
      return taken(read, context)
    })
    .meta({ label: 'duration' })
}

export function batchSizes() {
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => taken(parseBatches(value), context))
    .meta({ label: 'count, percentage, or a list such as 1,5,20%' })
}

export function hostCount(least: 0 | 1) {
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => taken(parseSize(value, least), context))
    .meta({ label: 'count or percentage' })
}

/** One value or a list of them; a list afterwards. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z
    .union([item, z.array(item)])
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]))
}

/** A refinement for objects whose keys name alternatives. It speaks up even when other keys of the object are wrong. */
export function exactlyOne(keys: readonly string[]) {
  const list = `${keys.slice(0, -1).join(', ')} or ${keys.at(-1)}`
  const named = (value: unknown) =>
    keys.filter((key) => typeof value === 'object' && value !== null && key in value)
  return [
    (value: unknown) => named(value).length === 1,
    {
      when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
      error: ({ input }: { input?: unknown }) => {
        const names = named(input)
        return names.length === 0
          ? `names no kind. Write one of ${list}`
          : `names ${names.join(' and ')}. Keep one of them`
      },
    },
  ] as const
}

function taken<T>(read: Parsed<T>, context: z.RefinementCtx): T {
  if (read.ok) return read.value
  context.addIssue({ code: 'custom', message: read.problem })
  return z.NEVER
}
