import { createHash } from 'node:crypto'
import { entriesFor, keyType, lookupName } from './known-hosts.js'
import type { KnownHost } from './known-hosts.js'

/** Whose key it is: the names under which known_hosts may list it. */
export interface KeyOwner {
  /** HostKeyAlias, or the name or address that was connected to. */
  readonly name: string
  readonly port: number
  /** An alias stands for itself, whatever the port. */
  readonly alias: boolean
}

export type KeyVerdict =
  | { readonly kind: 'trusted'; readonly by: KnownHost }
  | { readonly kind: 'revoked'; readonly by: KnownHost }
  /** The host is known by other keys only. */
  | { readonly kind: 'changed'; readonly known: readonly KnownHost[] }
  /** No line speaks for the host, but perhaps one of an authority whose certificates we can't check. */
  | { readonly kind: 'unknown'; readonly authority?: KnownHost }

/** Whether known_hosts vouches for a key. Pure. Anything but `trusted` is a refusal, unless the caller may learn keys. */
export function judgeKey(entries: readonly KnownHost[], owner: KeyOwner, key: Buffer): KeyVerdict {
  const listed = entriesFor(entries, nameOf(owner))
  // A host on another port is another server, so the bare name can vouch for it, but not contradict it.
  const bare = owner.alias || owner.port === 22 ? [] : entriesFor(entries, owner.name)
  const same = (entry: KnownHost) => entry.key.equals(key)

  const revoked = [...listed, ...bare].find((entry) => entry.marker === 'revoked' && same(entry))
  if (revoked !== undefined) return { kind: 'revoked', by: revoked }
  const known = listed.filter((entry) => entry.marker === undefined)
  const by = known.find(same) ?? bare.find((entry) => entry.marker === undefined && same(entry))
  if (by !== undefined) return { kind: 'trusted', by }
  if (known.length > 0) return { kind: 'changed', known }
  const authority = [...listed, ...bare].find((entry) => entry.marker === 'cert-authority')
  return authority === undefined ? { kind: 'unknown' } : { kind: 'unknown', authority }
}

export function nameOf(owner: KeyOwner): string {
  return owner.alias ? owner.name.toLowerCase() : lookupName(owner.name, owner.port)
}

/**
 * The key types by which a host is known. A server has several keys and shows the one that the client asks for first, so
 * asking for another type than the known one would look like a changed key.
 */
export function knownKeyTypes(entries: readonly KnownHost[], owner: KeyOwner): readonly string[] {
  const types = (name: string) =>
    entriesFor(entries, name)
      .filter((entry) => entry.marker === undefined)
      .map((entry) => entry.type)
  const listed = types(nameOf(owner))
  return [...new Set(listed.length > 0 || owner.alias ? listed : types(owner.name))]
}

/** `SHA256:…`, as ssh and ssh-keygen -l print it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The line that makes a key known. */
export function knownHostsLine(owner: KeyOwner, key: Buffer): string {
  return `${nameOf(owner)} ${keyType(key)} ${key.toString('base64')}`
}
