import { z } from './fields.js'
import { configSchema } from './schema.js'

/** What a key takes, as far as text of a variable or option must be turned into it. */
export type Accepts = 'text' | 'number' | 'boolean' | 'list' | 'object' | 'record' | 'function'

/** One key of the config, as the schema describes it. */
export interface Key {
  /** `[]` stands for an item of a list. */
  readonly path: readonly string[]
  readonly description: string
  /** For people: "duration", "text or object". */
  readonly type: string
  readonly accepts: ReadonlySet<Accepts>
  /** What items of a list accept. */
  readonly itemAccepts: ReadonlySet<Accepts>
  /** As people write it; undefined: none. */
  readonly default: unknown
  readonly required: boolean
}

interface Unwrapped {
  readonly inner: z.core.$ZodType
  readonly default: unknown
  readonly required: boolean
  readonly description: string
}

/** All keys in the order of the schema, sections before what is in them. */
export function allKeys(): readonly Key[] {
  return below(configSchema, [])
}

/** The keys that may stand in the object at a path of a config; list indices are understood. */
export function keysAt(path: readonly (string | number)[]): readonly string[] {
  const level = path[0] === 'environments' ? path.slice(2) : path
  return allKeys()
    .filter(
      (key) => key.path.length === level.length + 1 && level.every((part, at) => matches(key.path[at], part)),
    )
    .flatMap((key) => key.path.at(-1) ?? [])
    .filter((name) => name !== '[]')
}

function matches(pattern: string | undefined, part: string | number): boolean {
  return pattern === part || (pattern === '[]' && typeof part === 'number')
}

function keyOf(schema: z.core.$ZodType, path: readonly string[]): Key {
  const { inner, ...about } = unwrap(schema)
  const items = options(inner).flatMap((option) =>
    option instanceof z.ZodArray ? options(unwrap(option.element).inner) : [],
  )
  return {
    path,
    description: about.description,
    type: typeOf(inner),
    accepts: new Set(options(inner).map(accepts)),
    itemAccepts: new Set(items.map(accepts)),
    default: about.default,
    required: about.required,
  }
}

/** The keys inside a schema. Where a value may be written in several ways, those of the object form. */
function below(schema: z.core.$ZodType, path: readonly string[]): readonly Key[] {
  const { inner } = unwrap(schema)
  // What has a name of its own, such as "text or secret", is described as one.
  if (inner instanceof z.ZodUnion && labelOf(inner) !== undefined) return []
  return options(inner).flatMap((option): readonly Key[] => {
    if (option instanceof z.ZodObject) {
      return Object.entries<z.core.$ZodType>(option.shape).flatMap(([name, child]) => [
        keyOf(child, [...path, name]),
        ...below(child, [...path, name]),
      ])
    }
    if (option instanceof z.ZodArray) return below(option.element, [...path, '[]'])
    return []
  })
}

/** The ways to write a value. */
function options(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (!(schema instanceof z.ZodUnion)) return [schema]
  return schema.options.flatMap((option) => options(unwrap(option).inner))
}

function accepts(schema: z.core.$ZodType): Accepts {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean || schema instanceof z.ZodLiteral) return 'boolean'
  if (schema instanceof z.ZodArray) return 'list'
  if (schema instanceof z.ZodObject) return 'object'
  if (schema instanceof z.ZodRecord) return 'record'
  return schema instanceof z.ZodCustom ? 'function' : 'text'
}

function typeOf(schema: z.core.$ZodType): string {
  const label = labelOf(schema)
  if (label !== undefined) return label
  if (schema instanceof z.ZodEnum) return schema.options.join(' | ')
  if (schema instanceof z.ZodLiteral) return [...schema.values].join(' | ')
  if (schema instanceof z.ZodBoolean) return 'true | false'
  if (schema instanceof z.ZodArray) return `list of ${typeOf(unwrap(schema.element).inner)}`
  if (schema instanceof z.ZodUnion) {
    return [...new Set(schema.options.map((option) => typeOf(unwrap(option).inner)))].join(' | ')
  }
  return 'object'
}

function labelOf(schema: z.core.$ZodType): string | undefined {
  return schema instanceof z.ZodType ? schema.meta()?.label : undefined
}

/** Takes off defaults, optionality and transformations; what is left is what people write. */
function unwrap(schema: z.core.$ZodType): Unwrapped {
  let current = schema
  let described = ''
  let fallback: unknown
  let required = true
  for (;;) {
    if (described === '' && current instanceof z.ZodType) described = current.description ?? ''
    if (current instanceof z.ZodPrefault) {
      fallback = current.def.defaultValue
      required = false
      current = current.def.innerType
    } else if (current instanceof z.ZodExactOptional || current instanceof z.ZodOptional) {
      required = false
      current = current.def.innerType
    } else if (current instanceof z.ZodPipe && labelOf(current) === undefined) {
      current = current.def.in
    } else {
      return { inner: current, default: fallback, required, description: described }
    }
  }
}
