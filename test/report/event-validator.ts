import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { eventJsonSchema } from '../../src/report/event-schema.js'

/** Readers must allow what they don't know, but we must document what we emit: nothing more than the schema says. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return 'properties' in schema ? { ...copy, additionalProperties: false } : copy
}

const schema = closed(eventJsonSchema())
const validate: ValidateFunction = new Ajv2020({ allErrors: true }).compile(
  typeof schema === 'object' && schema !== null ? schema : {},
)

/** What is wrong with one line of `--json`; empty: nothing. */
export function problemsOf(line: string): readonly string[] {
  if (validate(JSON.parse(line))) return []
  const close = validate.errors?.filter(({ keyword }) => keyword !== 'const' && keyword !== 'anyOf') ?? []
  return [line, ...close.map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`)]
}
