import { keyType } from './known-hosts.js'

/** A host certificate, as OpenSSH's PROTOCOL.certkeys writes it. Read, not verified: that is ssh's work. */
export interface HostCertificate {
  /** The key that is certified, in wire format. */
  readonly key: Buffer
  /** The authority's key, in wire format. */
  readonly authority: Buffer
  readonly principals: readonly string[]
  /** Unix seconds. */
  readonly validBefore: bigint
}

/** Fields of the public key in a certificate of each type, all of them strings. */
const keyFields: ReadonlyMap<string | undefined, number> = new Map([
  ['ssh-rsa', 2],
  ['ssh-ed25519', 1],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
])

/** Undefined for a plain key, and for what can't be read. */
export function parseCertificate(blob: Buffer): HostCertificate | undefined {
  const [, plain] = /^(.+)-cert-v01@openssh\.com$/.exec(keyType(blob)) ?? []
  const count = keyFields.get(plain)
  if (plain === undefined || count === undefined) return undefined
  try {
    return read(blob, plain, count)
  } catch {
    return undefined
  }
}

function read(blob: Buffer, plain: string, count: number): HostCertificate {
  let offset = 0
  const take = (length: number): Buffer => {
    if (offset + length > blob.length) throw new RangeError('cut short')
    offset += length
    return blob.subarray(offset - length, offset)
  }
  /** With its length. */
  const string = (): Buffer => {
    const length = take(4).readUInt32BE()
    offset -= 4
    return take(4 + length)
  }
  string() // The certificate's type.
  string() // A nonce.
  const fields = Array.from({ length: count }, string)
  take(8) // Serial number.
  take(4) // User or host.
  string() // Key id.
  const principals = strings(string().subarray(4))
  take(8) // Valid after.
  const validBefore = take(8).readBigUInt64BE()
  string() // Critical options.
  string() // Extensions.
  string() // Reserved.
  const authority = string().subarray(4)
  const type = Buffer.alloc(4)
  type.writeUInt32BE(plain.length)
  return { key: Buffer.concat([type, Buffer.from(plain), ...fields]), authority, principals, validBefore }
}

function strings(list: Buffer): readonly string[] {
  const found: string[] = []
  for (let offset = 0; offset + 4 <= list.length;) {
    const end = offset + 4 + list.readUInt32BE(offset)
    if (end > list.length) throw new RangeError('cut short')
    found.push(list.toString('latin1', offset + 4, end))
    offset = end
  }
  return found
}
