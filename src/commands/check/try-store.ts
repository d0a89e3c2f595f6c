import { randomUUID } from 'node:crypto'
import type { StoreFacts } from '../../check/facts.js'
import { unfinishedFor } from '../../plan/prune-store.js'
import type { Store } from '../../ports.js'
import { trialKey, trialsPrefix } from '../../store/layout.js'
import { recordTrials, Wrong, type Trials } from './trials.js'

export interface StoreTrialOptions {
  readonly app: string
  readonly environment: string
  readonly signal: AbortSignal
}

/** An object and a document of this run. */
interface Probe extends StoreTrialOptions, Trials {
  readonly store: Store
  readonly object: string
  readonly document: string
}

const body = Buffer.from('deliver check tries whether this can be written\n')
/** Milliseconds that no check takes in a store. */
const trialTime = 60 * 60_000

/** Tries all that deliver does in a store, on things that are removed again. A step that fails doesn't hide the next one. */
export async function tryStore(store: Store, options: StoreTrialOptions): Promise<StoreFacts> {
  const { app, environment, signal } = options
  const id = randomUUID()
  const probe: Probe = {
    ...options,
    ...recordTrials(signal),
    store,
    object: trialKey(app, environment, `${id}.object`),
    document: trialKey(app, environment, `${id}.json`),
  }
  const written = await tryObject(probe)
  const old = await tryList(probe, written)
  const made = await tryDocument(probe)
  await probe.step('delete', async () => {
    // Those of checks that were killed go too.
    for (const key of [probe.object, ...(made ? [probe.document] : []), ...old]) await store.remove(key)
    if (written && (await store.size(probe.object)) !== undefined)
      throw new Wrong('what was removed is still there')
  })
  let unfinished: readonly string[] = []
  await probe.step('uploads', async () => {
    unfinished = (await store.unfinishedUploads?.(`${app}/`, unfinishedFor)) ?? []
  })
  return { name: store.name, steps: probe.trials, unfinished }
}

/** Whether the store answered at all: kind `failed` is a store that is out of reach, other kinds are its answers. */
export function answers({ steps }: StoreFacts): boolean {
  return steps.every(({ trouble }) => trouble?.kind !== 'failed')
}

async function tryObject({ step, store, object, signal }: Probe): Promise<boolean> {
  const written = await step('put', async () => void (await store.create(object, body, { signal })))
  if (written)
    await step('refuse', async () => {
      if ((await store.create(object, Buffer.from('another\n'), { signal })) === 'created')
        throw new Wrong('an object that is there was overwritten by another')
    })
  await step('get', async () => {
    // The right to read can be told from the answer about what isn't there.
    if (!written) return void (await store.size(object))
    const chunks: Buffer[] = []
    for await (const chunk of (await store.read(object)) as AsyncIterable<Buffer>) chunks.push(chunk)
    if (!Buffer.concat(chunks).equals(body)) throw new Wrong('what is read is not what was written')
  })
  return written
}

/** Gives the keys of trials that nobody is at any more. */
async function tryList(
  { step, store, app, environment, object }: Probe,
  written: boolean,
): Promise<readonly string[]> {
  let old: readonly string[] = []
  await step('list', async () => {
    const found = await store.list(trialsPrefix(app, environment))
    const own = found.find(({ key }) => key === object)
    if (written && own === undefined) throw new Wrong('what was written is not in the list')
    const limit = own === undefined ? 0 : own.modifiedAt - trialTime
    old = found.filter(({ modifiedAt }) => modifiedAt < limit).map(({ key }) => key)
  })
  return old
}

/** Whether there is a document afterwards. */
async function tryDocument({ step, store, document }: Probe): Promise<boolean> {
  let version: string | undefined
  await step('write', async () => {
    const written = await store.writeDocument(document, '{"try":1}\n', undefined)
    if (written.outcome === 'conflict') throw new Wrong('a document that is not there could not be made')
    version = written.version
  })
  if (version === undefined) return false
  await step('compare', async () => {
    const again = await store.writeDocument(document, '{"try":2}\n', undefined)
    if (again.outcome === 'written') throw new Wrong('of two writers that make one document, both succeed')
    const next = await store.writeDocument(document, '{"try":3}\n', version)
    if (next.outcome === 'conflict') throw new Wrong('a document could not be replaced by its version')
    const stale = await store.writeDocument(document, '{"try":4}\n', version)
    if (stale.outcome === 'written') throw new Wrong('a document is replaced though it has changed since')
  })
  return true
}
