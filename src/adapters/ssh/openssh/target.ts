import { resolve } from 'node:path'
import { shownAddress, withInstance } from '../destination.js'
import type { Asked, Surroundings } from '../destination.js'
import { defaultConnectTimeout, seconds } from '../destination.js'
import { trustPlan } from '../destination-plans.js'
import type { TrustPlan } from '../destination-plans.js'
import type { KeyOwner } from '../host-key.js'
import { checkedHost, checkedPort } from '../names.js'
import { expandPath } from '../tokens.js'
import type { Effective } from './answer.js'

/** What ssh would do for a host, as far as we must know it: whose keys count, and how long it may take. */
export interface Target {
  /** For people: "web1 (10.0.0.1:22)". */
  readonly where: string
  readonly user: string
  readonly owner: KeyOwner
  readonly trust: TrustPlan
  readonly connectTimeout: number
  /** The hosts on the way, as ssh has them; connections through the same ones take turns. */
  readonly jump: string | undefined
  /** Whether the user's config has a KnownHostsCommand, which takes the place of ours. */
  readonly foreignKeys: boolean
  readonly warnings: readonly string[]
}

export function targetOf(asked: Asked, effective: Effective, around: Surroundings): Target {
  const { ssh, env, home, localUser } = around
  const value = (keyword: string) => effective.get(keyword)?.[0]
  const address = checkedHost(value('hostname') ?? asked.address, `${asked.label}, HostName`)
  const port = checkedPort(value('port') ?? 22, `${asked.label}, Port`)
  const user = value('user') ?? localUser
  const alias = value('hostkeyalias')
  const tokens = { host: address, originalHost: asked.address, port, user, localUser, home, env }
  const values = new Map(
    ['userknownhostsfile', 'globalknownhostsfile', 'stricthostkeychecking'].map((keyword) => {
      // A file whose tokens only ssh knows is read by ssh alone.
      const words = (value(keyword) ?? '').split(' ').filter((word) => word !== '' && isKnown(word))
      return [keyword, { keyword, args: words, at: `${asked.label}, the ssh config` }] as const
    }),
  )
  function isKnown(word: string): boolean {
    return 'path' in expandPath(word, { ...tokens, ...(alias === undefined ? {} : { hostKeyAlias: alias }) })
  }
  const path = (text: string): string => {
    const expanded = expandPath(text, tokens)
    return 'path' in expanded ? resolve(expanded.path) : text
  }
  const trust = trustPlan(ssh, { values, identityFiles: [], warnings: [], undecided: [] }, path)
  const jump = value('proxyjump')
  return {
    where: `${asked.label} (${shownAddress(address, port)})`,
    user,
    owner: {
      name: alias === undefined ? address : checkedHost(alias, `${asked.label}, HostKeyAlias`),
      port,
      alias: alias !== undefined,
    },
    trust: withInstance(trust.plan, alias === undefined ? asked.instance : undefined, around),
    connectTimeout: ssh.connectTimeout ?? seconds(value('connecttimeout')) ?? defaultConnectTimeout,
    jump: jump === undefined || jump === 'none' ? undefined : jump,
    foreignKeys: ![undefined, 'none'].includes(value('knownhostscommand')),
    warnings: trust.warnings,
  }
}
