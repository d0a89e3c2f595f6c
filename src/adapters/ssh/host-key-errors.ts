import { DeliverError } from '../../errors.js'
import { fingerprint, knownHostsLine, nameOf } from './host-key.js'
import type { KeyOwner, KeyVerdict } from './host-key.js'
import { keyType } from './known-hosts.js'

export interface RefusedKey {
  /** For people: "web1 (10.0.0.1:22)". */
  readonly where: string
  readonly owner: KeyOwner
  readonly key: Buffer
  /** The known_hosts files that were read, for people. */
  readonly files: readonly string[]
}

/** Why a host's key was refused, and what a person who knows better can do about it. */
export function refusedKey(
  verdict: Exclude<KeyVerdict, { kind: 'trusted' }>,
  refused: RefusedKey,
): DeliverError {
  const shown = `${keyType(refused.key)} ${fingerprint(refused.key)}`
  switch (verdict.kind) {
    case 'revoked':
      return new DeliverError(
        'failed',
        `${refused.where}: the host's key ${shown} is revoked by ${verdict.by.at}`,
        {
          fix: 'Do not connect: a revoked key may be in the wrong hands. Give the host a new key, or ask who revoked it.',
        },
      )
    case 'changed': {
      const known = verdict.known
        .map((entry) => `${entry.type} ${fingerprint(entry.key)} (${entry.at})`)
        .join(', ')
      return new DeliverError(
        'failed',
        `${refused.where}: the host's key has CHANGED. It shows ${shown}, but known_hosts lists ${known}`,
        {
          fix:
            'Somebody may be intercepting the connection, or the host was rebuilt. Compare the fingerprint with one that ' +
            `you trust (the host's console); only if it is right, remove the old key: ssh-keygen -R '${nameOf(refused.owner)}'`,
        },
      )
    }
    case 'unknown':
      return unknownKey(verdict, refused, shown)
  }
}

function unknownKey(
  verdict: Extract<KeyVerdict, { kind: 'unknown' }>,
  refused: RefusedKey,
  shown: string,
): DeliverError {
  const { owner, files } = refused
  const scan = `ssh-keyscan${owner.port === 22 ? '' : ` -p ${owner.port}`} ${owner.name}`
  const authority =
    verdict.authority === undefined
      ? ''
      : `. ${verdict.authority.at} trusts a certificate authority, but the client ssh2 can't check host certificates: set ssh.client to 'openssh'`
  return new DeliverError(
    'failed',
    `${refused.where}: the host's key is unknown: ${shown}. No line for ${nameOf(owner)} in ${files.join(', ') || 'any file'}${authority}`,
    {
      fix:
        `If that fingerprint is right, add this line to ${files[0] ?? 'a known_hosts file'}:\n${knownHostsLine(owner, refused.key)}\n` +
        (owner.alias ? '' : `(${scan} fetches it, unverified.) `) +
        `To trust each host's key on first sight instead, set ssh.hostKeys to 'accept-new'.`,
    },
  )
}
