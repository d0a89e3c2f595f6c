import { generateKeyPairSync, randomBytes } from 'node:crypto'

export interface KeyPair {
  /** An unencrypted private key in OpenSSH's own format, as `ssh -i` wants it. */
  readonly privateKey: string
  /** One line: type, base64, comment. */
  readonly publicKey: string
}

/**
 * An ed25519 key pair in OpenSSH's format (PROTOCOL.key in its sources). Written here because the generator of ssh2 1.17
 * makes a key that nothing can read about once in 600 times.
 */
export function generateKeyPair(comment: string): KeyPair {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  if (d === undefined || x === undefined)
    throw new Error('node:crypto exported an ed25519 key without its parts')
  const seed = Buffer.from(d, 'base64url')
  const point = Buffer.from(x, 'base64url')

  const blob = Buffer.concat([field('ssh-ed25519'), field(point)])
  const check = randomBytes(4)
  const secret = padded(
    Buffer.concat([
      check,
      check,
      field('ssh-ed25519'),
      field(point),
      field(Buffer.concat([seed, point])),
      field(comment),
    ]),
  )
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'), // cipher
    field('none'), // key derivation
    field(''), // its options
    uint32(1), // number of keys
    field(blob),
    field(secret),
  ])
  return { privateKey: pem(file), publicKey: `ssh-ed25519 ${blob.toString('base64')} ${comment}` }
}

/** The line of a known_hosts file for a server on a port of its own. */
export function knownHostsLine(address: string, port: number, publicKey: string): string {
  const [type = '', base64 = ''] = publicKey.split(' ')
  return `[${address}]:${port} ${type} ${base64}\n`
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** Filled up to the cipher's block size (8 for `none`) with 1, 2, 3 ... */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8
  return Buffer.concat([bytes, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, missing))])
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}
