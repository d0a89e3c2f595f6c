import { createHmac, timingSafeEqual } from 'node:crypto'
import { matchesPatternList } from './patterns.js'

/** One usable line of a known_hosts file. */
export interface KnownHost {
  /** For people: `~/.ssh/known_hosts:12`. */
  readonly at: string
  readonly marker?: 'revoked' | 'cert-authority'
  readonly names: HostNames
  readonly type: string
  /** The key in SSH wire format. */
  readonly key: Buffer
}

type HostNames =
  | { readonly kind: 'patterns'; readonly patterns: readonly string[] }
  /** HMAC-SHA1 of the name, so that the file doesn't tell which hosts it knows. */
  | { readonly kind: 'hashed'; readonly salt: Buffer; readonly hash: Buffer }

/** Reads a known_hosts file. Lines that can't be read are left out, as OpenSSH does: they can vouch for nothing. */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  return text.split('\n').flatMap((raw, index) => parseLine(raw.trim(), `${file}:${index + 1}`) ?? [])
}

function parseLine(line: string, at: string): KnownHost | undefined {
  if (line === '' || line.startsWith('#')) return undefined
  const words = line.split(/[ \t]+/)
  const marked = words[0]?.startsWith('@') === true
  const marker = marked ? words.shift() : undefined
  if (marked && marker !== '@revoked' && marker !== '@cert-authority') return undefined
  const [hosts = '', type = '', encoded = ''] = words
  const names = parseNames(hosts)
  const key = decode(encoded)
  if (names === undefined || key === undefined || keyType(key) !== type) return undefined
  const base = { at, names, type, key }
  if (marker === undefined) return base
  return { ...base, marker: marker === '@revoked' ? 'revoked' : 'cert-authority' }
}

function parseNames(hosts: string): HostNames | undefined {
  if (!hosts.startsWith('|')) {
    const patterns = hosts.toLowerCase().split(',').filter(Boolean)
    return patterns.length === 0 ? undefined : { kind: 'patterns', patterns }
  }
  const [, version, salt = '', hash = '', ...rest] = hosts.split('|')
  const [saltBytes, hashBytes] = [decode(salt), decode(hash)]
  if (version !== '1' || rest.length > 0 || saltBytes?.length !== 20 || hashBytes?.length !== 20)
    return undefined
  return { kind: 'hashed', salt: saltBytes, hash: hashBytes }
}

/** Strict base64; undefined for anything that Node would quietly repair. */
function decode(text: string): Buffer | undefined {
  if (text === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined
}

/** The type that a public key in wire format says it is, e.g. `ssh-ed25519`; empty when it is no key. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return ''
  const length = key.readUInt32BE(0)
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length)
}

/** The entries that speak for a name as {@link lookupName} writes it. */
export function entriesFor(entries: readonly KnownHost[], name: string): readonly KnownHost[] {
  const lower = name.toLowerCase()
  return entries.filter(({ names }) => {
    if (names.kind === 'patterns') return matchesPatternList(names.patterns, lower)
    return timingSafeEqual(createHmac('sha1', names.salt).update(lower).digest(), names.hash)
  })
}

/** How known_hosts writes a host: ports other than 22 are part of the name. */
export function lookupName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}
