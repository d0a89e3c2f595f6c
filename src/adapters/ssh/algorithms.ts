import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2'

/** Signature algorithms for each type of host key, best first. SHA-1 (`ssh-rsa`) and DSA are not asked for. */
const signatures: readonly (readonly [type: string, algorithms: readonly ServerHostKeyAlgorithm[]])[] = [
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
]

/** Asks first for the keys by which the host is known, so that it doesn't show another one. */
export function hostKeyAlgorithms(knownTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = signatures.filter(([type]) => knownTypes.includes(type))
  const others = signatures.filter(([type]) => !knownTypes.includes(type))
  return [...known, ...others].flatMap(([, algorithms]) => algorithms)
}

/** What ssh2 offers by default, less SHA-1 and compression (archives are compressed; the rest is short). */
export function algorithms(knownTypes: readonly string[]): Algorithms {
  return {
    serverHostKey: hostKeyAlgorithms(knownTypes),
    hmac: { append: [], prepend: [], remove: ['hmac-sha1-etm@openssh.com', 'hmac-sha1'] },
    compress: ['none'],
  }
}
