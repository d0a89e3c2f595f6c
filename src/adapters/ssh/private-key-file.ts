import { readFile } from 'node:fs/promises'
import type { ParsedKey } from 'ssh2'
import type { Ssh2 } from './ssh2.js'

/** What an identity file holds. `agent-only` files say which key of the agent to use. */
export type KeyFile =
  | { readonly kind: 'private'; readonly key: ParsedKey }
  | { readonly kind: 'agent-only'; readonly publicKey: Buffer | undefined; readonly because: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'bad'; readonly because: string }

/** Reads an identity file. Never asks for a passphrase: nobody is there to answer. */
export async function readKeyFile(path: string, ssh2: Ssh2): Promise<KeyFile> {
  let data: Buffer
  try {
    data = await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return { kind: 'bad', because: `can't be read (${code})` }
    const publicKey = await readPublicKey(`${path}.pub`, ssh2)
    return publicKey === undefined
      ? { kind: 'missing' }
      : { kind: 'agent-only', publicKey, because: 'is missing (its .pub is there)' }
  }
  const parsed = ssh2.utils.parseKey(data)
  // A list for formats that can hold several keys, whatever the types say.
  const [key]: readonly (ParsedKey | Error | undefined)[] = Array.isArray(parsed) ? parsed : [parsed]
  if (key === undefined) return { kind: 'bad', because: 'holds no key' }
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { kind: 'private', key }
    return { kind: 'agent-only', publicKey: key.getPublicSSH(), because: 'is a public key' }
  }
  if (!/encrypted|passphrase/i.test(key.message))
    return { kind: 'bad', because: 'is not a private key in a known format' }
  const publicKey = embeddedPublicKey(data) ?? (await readPublicKey(`${path}.pub`, ssh2))
  return { kind: 'agent-only', publicKey, because: 'is encrypted' }
}

async function readPublicKey(path: string, ssh2: Ssh2): Promise<Buffer | undefined> {
  const data = await readFile(path).catch(() => undefined)
  const key = data === undefined ? undefined : ssh2.utils.parseKey(data)
  return key === undefined || key instanceof Error ? undefined : key.getPublicSSH()
}

/** OpenSSH's own format keeps the public half in clear, before the encrypted part. */
function embeddedPublicKey(data: Buffer): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(
    data.toString('latin1'),
  )?.[1]
  if (body === undefined) return undefined
  const blob = Buffer.from(body, 'base64')
  const magic = 'openssh-key-v1\0'
  if (blob.toString('latin1', 0, magic.length) !== magic) return undefined
  let offset = magic.length
  const string = () => {
    if (offset + 4 > blob.length) return undefined
    const end = offset + 4 + blob.readUInt32BE(offset)
    const bytes = end > blob.length ? undefined : blob.subarray(offset + 4, end)
    offset = end
    return bytes
  }
  // Cipher, key derivation, its options, then a count and the first public key.
  const [cipher, kdf, options] = [string(), string(), string()]
  offset += 4
  return cipher === undefined || kdf === undefined || options === undefined ? undefined : string()
}
