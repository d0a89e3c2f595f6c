/** Directives of an ssh config that the library can't honour. */
export const openSshOnly: readonly string[] = [
  'addressfamily',
  'bindaddress',
  'bindinterface',
  'canonicalizehostname',
  'casignaturealgorithms',
  'certificatefile',
  'ciphers',
  'hostbasedauthentication',
  'hostkeyalgorithms',
  'kexalgorithms',
  'knownhostscommand',
  'macs',
  'pkcs11provider',
  'pubkeyacceptedalgorithms',
  'revokedhostkeys',
  'securitykeyprovider',
  'verifyhostkeydns',
]

/** Values that ask for nothing. */
const nothing: ReadonlySet<string | undefined> = new Set([
  undefined,
  'none',
  'no',
  'off',
  'false',
  'any',
  'internal',
])

export function asksForNothing(value: string | undefined): boolean {
  return nothing.has(value?.toLowerCase())
}
