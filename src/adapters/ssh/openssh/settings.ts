import { resolve } from 'node:path'
import { systemConfigFile } from '../destination.js'
import type { Surroundings } from '../destination.js'
import { defaultKeepalive } from '../destination-plans.js'
import { instanceOwner } from '../key-trust.js'
import type { KnownHostsFiles } from '../known-hosts-files.js'
import { entriesFor } from '../known-hosts.js'
import { nameOf } from '../host-key.js'
import { expandHome } from '../tokens.js'
import { plainPath } from './config-text.js'
import type { ConfigParts, Setting } from './config-text.js'
import type { MasterFiles } from './master.js'
import type { Target } from './target.js'

/** What deliver's own config asks of ssh, for hosts and the bastions before them. */
export function configParts({ ssh, home }: Surroundings): ConfigParts {
  const path = (text: string) => plainPath(resolve(expandHome(text, home)))
  const seconds = (ms: number) => String(Math.max(1, Math.ceil(ms / 1000)))
  const first: Setting[] = [
    ...(ssh.identityFile ?? []).map((file): Setting => ['IdentityFile', path(file)]),
    ...(ssh.agent ? [] : [['IdentityAgent', 'none'] as const]),
    ...(ssh.connectTimeout === undefined ? [] : [['ConnectTimeout', seconds(ssh.connectTimeout)] as const]),
    ...(ssh.keepalive === undefined
      ? []
      : ([
          ['ServerAliveInterval', seconds(ssh.keepalive)],
          ['ServerAliveCountMax', '3'],
        ] as const)),
    ...(ssh.knownHosts === undefined
      ? []
      : ([
          ['UserKnownHostsFile', ...ssh.knownHosts.map(path)],
          ['GlobalKnownHostsFile', 'none'],
        ] as const)),
  ]
  const last: Setting[] = [
    ['ConnectTimeout', '10'],
    ['ServerAliveInterval', String(defaultKeepalive / 1000)],
    ['ServerAliveCountMax', '3'],
    ['UserKnownHostsFile', path('~/.ssh/known_hosts'), path('~/.ssh/known_hosts2')],
    ...(ssh.user === undefined ? [] : [['User', ssh.user] as const]),
  ]
  const user = ssh.config === false ? undefined : resolve(expandHome(ssh.config, home))
  const includes = [user, systemConfigFile({ ssh, home })].filter((file) => file !== undefined)
  return { first, includes, last }
}

/** Options that are for the host alone, not for bastions: whose keys it may show. */
export async function trustOptions(
  { trust, owner }: Target,
  files: MasterFiles,
  known: KnownHostsFiles,
): Promise<readonly string[]> {
  const option = (keyword: string, ...paths: readonly string[]) => [
    '-o',
    `${keyword}=${paths.map((path) => `"${plainPath(path)}"`).join(' ')}`,
  ]
  const user = trust.files.user
  if (trust.given !== undefined) {
    const revoked = (await known.entries([...user, ...trust.files.global])).filter(
      ({ marker }) => marker === 'revoked',
    )
    await files.vouch(nameOf(owner), [...trust.given, ...entriesFor(revoked, nameOf(owner))])
    return [...option('UserKnownHostsFile', files.knownHosts), '-o', 'GlobalKnownHostsFile=none']
  }
  const { instance } = trust
  if (instance === undefined) return []
  const listed = await known.entries([instance.file])
  // Nothing is known of this server yet: what the address is known by (an authority, say) may do.
  if (entriesFor(listed, nameOf(instanceOwner(instance.id))).length === 0) return []
  return [
    ...option('UserKnownHostsFile', instance.file, ...user.filter((file) => file !== instance.file)),
    '-o',
    `HostKeyAlias=${instance.id}`,
  ]
}
