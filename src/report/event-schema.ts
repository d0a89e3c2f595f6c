import { z } from '../config/fields.js'
import type { DeliverEvent } from './events.js'
import { jsonVersion } from './json.js'

/**
 * The shape of every event as `--json` prints it, from which docs/events.schema.json is made. Objects are open: readers must
 * expect fields and types of events that came later.
 */

const text = z.string()
const host = text.describe("The host's name, as --hosts takes it.")
const ms = z.number().min(0).describe('Milliseconds.')
const count = z.int().min(0)
const texts = z.array(text).readonly()

const hostStates = [
  'connecting',
  'probing',
  'staging',
  'staged',
  'draining',
  'activating',
  'settling',
  'watching',
  'rejoining',
  'done',
  'failed',
  'rolling-back',
  'rolled-back',
  'skipped',
  'gone',
] as const

const cell = z.object({ text, tone: z.enum(['good', 'bad', 'dim', 'strong']).exactOptional() })

const plan = {
  kind: z.enum(['deploy', 'rollback']),
  release: text,
  onFailure: text,
  batchLimit: count.describe('The most hosts out of service at once.'),
  pause: ms,
  batches: z.array(texts).readonly(),
  hosts: z
    .array(
      z.object({
        host,
        from: text.nullable(),
        to: text,
        stage: z.enum(['present', 'send']),
        act: z.enum(['activate', 'verify']),
        because: text,
      }),
    )
    .readonly(),
  skipped: z.array(z.object({ host, because: text, runs: text.nullable() })).readonly(),
  bound: z.object({
    batches: count,
    batch: ms,
    switching: ms,
    stageIdle: ms.nullable(),
    staging: ms,
    worst: ms,
  }),
}

/** By type, what each event has besides `v`, `time` and `type`. */
const bodies = {
  'run-started': z.object({ command: text, version: text }),
  config: z.object({
    app: text,
    environment: text,
    settings: z.array(z.object({ path: text, value: text })).readonly(),
  }),
  note: z.object({ host: host.exactOptional(), text }),
  warning: z.object({ host: host.exactOptional(), text }),
  output: z.object({
    host: host.exactOptional(),
    of: z.enum(['service-log']).exactOptional(),
    stream: z.enum(['stdout', 'stderr']),
    line: text,
  }),
  'host-lines': z.object({ host, title: text.exactOptional(), lines: texts }),
  'step-started': z.object({ step: text, detail: text.exactOptional() }),
  'step-done': z.object({ step: text, detail: text.exactOptional(), ms }),
  plan: z.object(plan),
  transfer: z.object({
    host,
    release: text,
    bytes: count.describe('What will be sent.'),
    encoding: text,
    base: text.exactOptional().describe('The release that a delta builds on.'),
  }),
  progress: z.object({
    host: host.exactOptional(),
    step: text,
    done: z.number().min(0),
    total: z.number().min(0),
  }),
  'host-state': z.object({ host, state: z.enum(hostStates), detail: text.exactOptional() }),
  'batch-started': z.object({ batch: count, of: count, hosts: texts }),
  'batch-done': z.object({ batch: count, of: count, ms }),
  probe: z.object({
    host,
    release: text,
    ok: z.boolean(),
    because: text.exactOptional(),
    streak: count,
    successes: count,
    uptime: ms,
    minUptime: ms,
  }),
  outcome: z.object({
    host,
    outcome: z.enum(['done', 'unchanged', 'failed', 'rolled-back', 'rollback-failed', 'skipped', 'gone']),
    because: text.exactOptional(),
    runs: text.nullable().exactOptional(),
    ms,
  }),
  table: z.object({
    title: text.exactOptional(),
    columns: texts,
    rows: z.array(z.array(cell).readonly()).readonly(),
  }),
  findings: z.object({
    findings: z
      .array(
        z.object({
          level: z.enum(['ok', 'warning', 'problem']),
          area: text,
          host: host.exactOptional(),
          text,
          fix: text.exactOptional(),
        }),
      )
      .readonly(),
  }),
  result: z.object({
    ok: z.boolean(),
    code: count.describe('The exit code.'),
    text,
    fix: text.exactOptional(),
    data: z.unknown().exactOptional(),
  }),
  omitted: z.object({ lines: count.describe('Events left out: the reader was too slow.') }),
} as const satisfies Readonly<Record<DeliverEvent['type'] | 'omitted', z.ZodObject>>

type Bodies = typeof bodies
/** What the schema says that events are; a test holds it against DeliverEvent. */
export type SchemaEvent = {
  [K in DeliverEvent['type']]: Readonly<z.infer<Bodies[K]>> & { readonly type: K }
}[DeliverEvent['type']]

/** JSON Schema (2020-12) of one line of `--json`. */
export function eventJsonSchema(): Readonly<Record<string, unknown>> {
  const events = Object.entries(bodies).map(([type, body]) =>
    z
      .object({
        v: z.literal(jsonVersion),
        time: text.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/).describe('UTC.'),
        type: z.literal(type),
        ...body.shape,
      })
      .meta({ title: type }),
  )
  return {
    $id: `urn:deliver-cli:events:${jsonVersion}`,
    title: 'One line of deliver --json',
    // As input: what is not listed is allowed, so that events may grow.
    ...z.toJSONSchema(z.union(events), { io: 'input' }),
  }
}
