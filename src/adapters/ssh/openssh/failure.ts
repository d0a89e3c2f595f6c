import { DeliverError } from '../../../errors.js'
import { ConnectFailure } from '../connect-failure.js'
import { shownAddress } from '../destination.js'
import { parseCertificate } from '../host-certificate.js'
import type { HostCertificate } from '../host-certificate.js'
import { nameOf } from '../host-key.js'
import type { KeyOwner } from '../host-key.js'
import { acceptKey } from '../key-trust.js'
import { entriesFor } from '../known-hosts.js'
import type { KnownHostsFiles } from '../known-hosts-files.js'
import type { ShownKey } from './answer.js'
import type { Target } from './target.js'

export interface FailedStart {
  readonly target: Target
  /** The keys that ssh was shown on the way: how far it got is told by them, not by what it wrote. */
  readonly shown: readonly ShownKey[]
  readonly said: string
  readonly known: KnownHostsFiles
}

/**
 * Why ssh ended before it was logged in. `learned`: a key was new, and is stored now, so that the next attempt is a first one.
 * Rejects with the DeliverError of a key that is refused.
 */
export async function judgeFailure(failed: FailedStart): Promise<ConnectFailure | 'learned'> {
  const { target, shown, said } = failed
  const name = nameOf(target.owner)
  let own: ShownKey | undefined
  for (const each of shown) {
    const isOwn = each.name.toLowerCase() === name || isInstance(each.name, target)
    if (isOwn) own = each
    const certificate = parseCertificate(each.key)
    if (certificate !== undefined && (await isAuthority(failed, certificate, each.name))) {
      if (isOwn) return certified(target, certificate, said)
      continue
    }
    const key = certificate?.key ?? each.key
    const question = isOwn ? { ...target, key } : bastionQuestion(target, each.name, key)
    if ((await acceptKey(failed.known, question)) === 'learned') return 'learned'
  }
  return own === undefined ? unreached(target, shown, said) : notLoggedIn(target, said)
}

function isInstance(name: string, { trust }: Target): boolean {
  return trust.instance !== undefined && name.toLowerCase() === trust.instance.id.toLowerCase()
}

async function isAuthority(
  { target, known }: FailedStart,
  { authority }: HostCertificate,
  name: string,
): Promise<boolean> {
  const { given, files } = target.trust
  const entries = given ?? (await known.entries([...files.user, ...files.global]).catch(() => []))
  return entriesFor(entries, name).some(
    ({ marker, key }) => marker === 'cert-authority' && key.equals(authority),
  )
}

function bastionQuestion(target: Target, name: string, key: Buffer) {
  const { mode, files } = target.trust
  const owner = ownerOf(name)
  return {
    where: `${target.where}, through bastion ${owner.name} (${shownAddress(owner.name, owner.port)})`,
    owner,
    trust: { mode, files },
    key,
  }
}

/** `[host]:port` or the bare name, as known_hosts writes them. */
function ownerOf(name: string): KeyOwner {
  const [, host, port] = /^\[(.+)\]:(\d{1,5})$/.exec(name) ?? []
  return host === undefined
    ? { name, port: 22, alias: false }
    : { name: host, port: Number(port), alias: false }
}

function certified({ where, owner }: Target, certificate: HostCertificate, said: string): ConnectFailure {
  const until =
    certificate.validBefore > 253_402_300_799n
      ? 'for ever'
      : `until ${new Date(Number(certificate.validBefore) * 1000).toISOString()}`
  return new ConnectFailure(
    new DeliverError('failed', `${where}: not logged in: ${said}`, {
      fix:
        `The host shows a certificate of a trusted authority, for ${certificate.principals.join(', ') || 'any name'}, ${until}. ` +
        `It must name ${owner.name} and be in time; else check the user and the key.`,
    }),
    false,
  )
}

function notLoggedIn({ where, user }: Target, said: string): ConnectFailure {
  return new ConnectFailure(
    new DeliverError(
      'failed',
      `${where}: login as ${user} failed: ${said || 'the host ended the connection'}`,
      {
        fix: `Check the user, and that the host takes one of the keys of this machine (ssh.identityFile, the agent): ssh -v tells more.`,
      },
    ),
    false,
  )
}

/** Nobody asked about the host's key, so the connection did not get as far. */
function unreached({ where, jump }: Target, shown: readonly ShownKey[], said: string): ConnectFailure {
  const through = shown.length > 0 && jump !== undefined ? `, through bastion ${jump}` : ''
  return new ConnectFailure(
    new DeliverError('failed', `${where}${through}: no connection: ${said || 'ssh gave no reason'}`, {
      fix: 'Check that the host is up, that sshd runs on this port, and the network between; ssh -v tells more.',
    }),
    true,
  )
}
