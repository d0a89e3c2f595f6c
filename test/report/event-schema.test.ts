import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventJsonSchema, type SchemaEvent } from '../../src/report/event-schema.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { jsonOmission, jsonReporter } from '../../src/report/json.js'
import { problemsOf } from './event-validator.js'
import { examples } from './events.js'

const now = (): number => 1_700_000_000_123

/** As `--json` prints it. */
function lineOf(event: DeliverEvent): string {
  let line = ''
  const take = (text: string): void => void (line = text)
  const stdout = { write: take, writeLast: take, close: () => Promise.resolve() }
  jsonReporter({ stdout, redact: (text) => text, now }).event(event)
  return line
}

/** Compiles only if each is the other. */
const sameTypes = {
  schema: (event: SchemaEvent): DeliverEvent => event,
  types: (event: DeliverEvent): SchemaEvent => event,
}

test('the types and the schema say the same', () => {
  for (const event of Object.values(examples)) expect(sameTypes.schema(sameTypes.types(event))).toBe(event)
})

test('docs/events.schema.json is the one that the code has (npm run docs)', () => {
  const written: unknown = JSON.parse(
    readFileSync(new URL('../../docs/events.schema.json', import.meta.url), 'utf8'),
  )
  expect(written).toEqual(JSON.parse(JSON.stringify(eventJsonSchema())))
})

test.each(Object.values(examples).map((event) => [event.type, event] as const))(
  '%s: the example is valid',
  (_, event) => {
    expect(problemsOf(lineOf(event))).toEqual([])
  },
)

test('lines that were left out are an event too', () => {
  expect(problemsOf(jsonOmission(now)(12))).toEqual([])
})

describe('what is no event is found out', () => {
  const line = (change: object): string =>
    JSON.stringify({ v: 1, time: '2024-05-01T10:00:00.000Z', type: 'note', text: 'x', ...change })
  test.each([
    ['another version', { v: 2 }],
    ['a time of another zone', { time: '2024-05-01T10:00:00.000+02:00' }],
    ['an unknown type', { type: 'nonsense' }],
    ['a field that nobody documented', { colour: 'red' }],
    ['a field of another type', { text: 1 }],
    ['a state that there is not', { type: 'host-state', host: 'a', state: 'melting', text: undefined }],
  ])('%s', (_, change) => {
    expect(problemsOf(line({}))).toEqual([])
    expect(problemsOf(line(change))).not.toEqual([])
  })
})

test('docs/events.md tells of every type', () => {
  const docs = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8')
  const missing = [...Object.keys(examples), 'omitted'].filter((type) => !docs.includes(`\`${type}\``))
  expect(missing).toEqual([])
})
