import { DeliverError } from '../errors.js'
import type { Store } from '../ports.js'
import type { ReleaseRecord } from '../release/release.js'
import { readText } from './json.js'
import { signatureKey } from './layout.js'

/** Base64 of an SSH signature, on one line. */
export const signatureForm = /^[A-Za-z0-9+/]{40,20000}={0,2}$/

/** The signature of a release; undefined when it has none. */
export async function readSignature(
  store: Store,
  { app, release }: Pick<ReleaseRecord, 'app' | 'release'>,
): Promise<string | undefined> {
  const key = signatureKey(app, release)
  const text = (await readText(store, key))?.trim()
  if (text === undefined || signatureForm.test(text)) return text
  throw new DeliverError('precondition', `${store.name}: ${key} is no signature`, {
    fix: 'It is damaged, or somebody replaced it. Publish the release again under another name.',
  })
}

/** Before the record of the release, or after it; another one that was left by a publish that never ended is replaced. */
export async function writeSignature(
  store: Store,
  { app, release }: Pick<ReleaseRecord, 'app' | 'release'>,
  signature: string,
): Promise<void> {
  const key = signatureKey(app, release)
  const body = Buffer.from(`${signature}\n`)
  if ((await store.create(key, body)) === 'created') return
  if ((await readText(store, key))?.trim() === signature) return
  await store.remove(key)
  await store.create(key, body)
}
