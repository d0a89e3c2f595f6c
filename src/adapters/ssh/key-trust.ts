import { DeliverError, messageOf } from '../../errors.js'
import type { TrustPlan } from './destination-plans.js'
import { judgeKey, knownKeyTypes } from './host-key.js'
import type { KeyOwner, KeyVerdict } from './host-key.js'
import { refusedKey } from './host-key-errors.js'
import type { KnownHostsFiles } from './known-hosts-files.js'

export interface KeyQuestion {
  /** For people: "web1 (10.0.0.1:22)". */
  readonly where: string
  readonly owner: KeyOwner
  readonly trust: TrustPlan
  /** A plain key, not a certificate, in wire format. */
  readonly key: Buffer
}

/**
 * Decides about the key that a host shows, alike for every client; `learned` when it was stored just now. Rejects with the
 * DeliverError that says why it is refused.
 */
export async function acceptKey(known: KnownHostsFiles, question: KeyQuestion): Promise<'known' | 'learned'> {
  const { where, owner, trust, key } = question
  const files = [...trust.files.user, ...trust.files.global]
  try {
    const listed = await known.entries(files)
    const fixed = await fixedEntries(known, trust)
    const verdict = judgeKey(listed, owner, key)
    if (verdict.kind === 'revoked') throw refusedKey(verdict, { where, owner, key, files })
    if (fixed !== undefined) {
      const decided = judgeKey(fixed.entries, fixed.owner ?? owner, key)
      if (decided.kind === 'trusted') return 'known'
      if (decided.kind !== 'unknown' || trust.given !== undefined)
        throw refusedKey(decided, { where, owner: fixed.owner ?? owner, key, files: [fixed.from] })
    }
    if (verdict.kind === 'trusted') return 'known'
    const learnable = verdict.kind === 'unknown' || trust.instance !== undefined
    if (trust.mode !== 'accept-new' || !learnable) throw refusedKey(verdict, { where, owner, key, files })
    return await learn(known, question, verdict)
  } catch (error) {
    throw error instanceof DeliverError ? error : unreadable(where, error)
  }
}

/** The key types by which the host is known, to be asked for first. If files can't be read, the check of the key will say so. */
export async function knownTypes(
  known: KnownHostsFiles,
  trust: TrustPlan,
  owner: KeyOwner,
): Promise<readonly string[]> {
  const fixed = await fixedEntries(known, trust).catch(() => undefined)
  const first = fixed === undefined ? [] : knownKeyTypes(fixed.entries, fixed.owner ?? owner)
  if (first.length > 0 || trust.given !== undefined) return first
  const entries = await known.entries([...trust.files.user, ...trust.files.global]).catch(() => [])
  return knownKeyTypes(entries, owner)
}

/** What decides before any line for the host's address does: keys that the config gives, or those stored for its id. */
async function fixedEntries(known: KnownHostsFiles, { given, instance }: TrustPlan) {
  if (given !== undefined) return { entries: given, owner: undefined, from: 'the answer of ssh.hostKeys' }
  if (instance === undefined) return undefined
  return {
    entries: await known.entries([instance.file]),
    owner: instanceOwner(instance.id),
    from: instance.file,
  }
}

export function instanceOwner(id: string): KeyOwner {
  return { name: id, port: 22, alias: true }
}

async function learn(
  known: KnownHostsFiles,
  { where, owner, trust, key }: KeyQuestion,
  verdict: Exclude<KeyVerdict, { kind: 'trusted' }>,
): Promise<'learned'> {
  const { instance } = trust
  const under = instance === undefined ? owner : instanceOwner(instance.id)
  const files = instance === undefined ? trust.files : { user: [instance.file], global: [] }
  const learned = await known.learn(files, under, key)
  if (learned.verdict.kind === 'trusted') return 'learned'
  if (learned.verdict.kind === 'unknown') throw notStored(where, learned.failures)
  const all = [...files.user, ...files.global]
  throw refusedKey(verdict.kind === 'revoked' ? verdict : learned.verdict, {
    where,
    owner: under,
    key,
    files: all,
  })
}

function notStored(where: string, failures: readonly string[]): DeliverError {
  const reasons = failures.join('; ') || 'no known_hosts file is configured'
  return new DeliverError(
    'failed',
    `${where}: the host's key is new and can't be stored, so it can't be trusted: ${reasons}`,
    { fix: 'Make the known_hosts file writable, or name another with ssh.knownHosts.' },
  )
}

function unreadable(where: string, error: unknown): DeliverError {
  return new DeliverError('failed', `${where}: known_hosts can't be read: ${messageOf(error)}`, {
    fix: 'Make the file readable, or name another with ssh.knownHosts.',
    cause: error,
  })
}
