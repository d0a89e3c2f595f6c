import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'

/**
 * Reads a JSON object of the store field by field. Stores are shared, so what is in them is as foreign as any input: whatever
 * isn't as expected is an error that names the document and the field.
 */
export interface Fields {
  text(name: string, pattern?: RegExp): string
  optionalText(name: string): string | undefined
  /** A whole number from 0. */
  count(name: string): number
  flag(name: string): boolean
  texts(name: string): readonly string[]
  object(name: string): Fields
  objects(name: string): readonly Fields[]
  has(name: string): boolean
}

export const sha256 = /^[0-9a-f]{64}$/

/** Documents are small; what is longer was not written by deliver. */
const largest = 8 * 1024 * 1024
const longestText = 64 * 1024

/** What an error says of where a document is, and what to do about it. */
export interface Origin {
  readonly place: string
  readonly fix: string
}

const theStore: Origin = {
  place: ' in the store',
  fix: 'It may be of a newer deliver, or damaged. Update deliver, or restore it from a backup.',
}

/** `where` names the document, e.g. its key. Only `version: 1` is understood. */
export function readFields(where: string, text: string, origin: Origin = theStore): Fields {
  const document: Document = { where, origin }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw unreadable(document, 'it is not JSON', cause)
  }
  const fields = fieldsOf(document, '', value)
  if (fields.count('version') !== 1) throw unreadable(document, 'it is of another version of deliver')
  return fields
}

interface Document {
  readonly where: string
  readonly origin: Origin
}

/** The text of an object, or undefined when there is none. */
export async function readText(store: Store, key: string): Promise<string | undefined> {
  const size = await store.size(key)
  if (size === undefined) return undefined
  if (size > largest) throw unreadable({ where: key, origin: theStore }, `it has ${size} bytes`)
  const chunks: Buffer[] = []
  for await (const chunk of await store.read(key)) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks).toString()
}

function fieldsOf(document: Document, path: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(document, `${path === '' ? 'it' : path} is not an object`)
  }
  const record = new Map<string, unknown>(Object.entries(value))
  const wrong = (name: string, what: string): DeliverError =>
    unreadable(document, `${path}${name} is not ${what}`)
  const list = (name: string): readonly unknown[] => {
    const items = record.get(name)
    if (!Array.isArray(items)) throw wrong(name, 'a list')
    return items
  }
  const asText = (name: string, item: unknown): string => {
    if (typeof item === 'string' && item.length <= longestText) return item
    throw wrong(name, 'a text')
  }
  return {
    has: (name) => record.has(name),
    text(name, pattern) {
      const text = asText(name, record.get(name))
      if (pattern === undefined || pattern.test(text)) return text
      throw wrong(name, `like ${String(pattern)}`)
    },
    optionalText: (name) => (record.has(name) ? asText(name, record.get(name)) : undefined),
    count(name) {
      const number = record.get(name)
      if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
      throw wrong(name, 'a whole number')
    },
    flag(name) {
      const flag = record.get(name)
      if (typeof flag === 'boolean') return flag
      throw wrong(name, 'true or false')
    },
    texts: (name) => list(name).map((item) => asText(name, item)),
    object: (name) => fieldsOf(document, `${path}${name}.`, record.get(name)),
    objects: (name) => list(name).map((item, i) => fieldsOf(document, `${path}${name}[${i}].`, item)),
  }
}

function unreadable({ where, origin }: Document, problem: string, cause?: unknown): DeliverError {
  return new DeliverError('precondition', `${where}${origin.place} can't be used: ${problem}`, {
    fix: origin.fix,
    cause,
  })
}
