import { join, resolve } from 'node:path'
import type { SshConfig } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import type { ConfigFiles } from './config-files.js'
import { checkedHost, checkedPort, checkedUser } from './names.js'
import { askConfig } from './ssh-config.js'
import type { ConfigAnswer } from './ssh-config.js'
import { jumpsOf } from './proxy-jump.js'
import type { Jump } from './proxy-jump.js'
import { expandHome, expandPath } from './tokens.js'
import type { TokenValues } from './tokens.js'
import { identityPlan, instanceFile, keepalivePlan, trustPlan } from './destination-plans.js'
import type { IdentityPlan, KeepalivePlan, TrustPlan } from './destination-plans.js'
import type { KeyOwner } from './host-key.js'

/** Where and how to connect, after our config, the ssh config and the defaults, in that order, have had their say. */
export interface Destination {
  /** For people: "web1 (10.0.0.1:22)". */
  readonly where: string
  readonly address: string
  readonly port: number
  readonly user: string
  readonly owner: KeyOwner
  /** The hosts to go through, nearest to us first. Each is resolved by its own entry of the ssh config. */
  readonly jumps: readonly Jump[]
  readonly trust: TrustPlan
  readonly identities: IdentityPlan
  readonly keepalive: KeepalivePlan
  readonly connectTimeout: number
}

export interface Asked {
  /** For people. */
  readonly label: string
  /** A DNS name, an address or an alias of the ssh config. */
  readonly address: string
  readonly port?: number
  readonly user?: string
  /** Hosts that were named by whoever jumps through this one; its own ProxyJump doesn't count then. */
  readonly jumps?: readonly Jump[]
  /** The cloud's id of the server. */
  readonly instance?: string
  /** A bastion takes its port and user from its own entry first: ours are meant for the fleet. */
  readonly bastion?: boolean
}

export interface Surroundings {
  readonly ssh: SshConfig
  readonly env: NodeJS.ProcessEnv
  readonly home: string
  readonly localUser: string
  /** Where commands of the config run. */
  readonly directory: string
  readonly files: ConfigFiles
}

export const defaultConnectTimeout = 10_000

/** Resolves a host. Also gives what people should know about their ssh config. */
export function destinationOf(
  asked: Asked,
  around: Surroundings,
): { destination: Destination; warnings: readonly string[] } {
  const { ssh, localUser } = around
  const name = checkedHost(asked.address, asked.label)
  const givenUser = asked.user ?? (asked.bastion === true ? undefined : ssh.user)
  const answer = answerOf(name, givenUser, around)
  const value = (keyword: string) => answer.values.get(keyword)?.args[0]
  const at = (keyword: string) => `${asked.label}, ${answer.values.get(keyword)?.at ?? ''}`

  const user = checkedUser(givenUser ?? value('user') ?? ssh.user ?? localUser, asked.label)
  const givenPort = asked.port ?? (asked.bastion === true ? undefined : ssh.port)
  const port = checkedPort(givenPort ?? value('port') ?? 22, asked.label)
  const hostName = value('hostname')?.replace(/%[h%]/g, (token) => (token === '%h' ? name : '%'))
  const address = hostName === undefined ? name : checkedHost(hostName, at('hostname'))
  const alias = value('hostkeyalias')
  const tokens: TokenValues = {
    host: address,
    originalHost: name,
    port,
    user,
    localUser,
    home: around.home,
    env: around.env,
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
  }
  const path = (text: string, source: string) => pathOf(text, tokens, `${asked.label}, ${source}`)
  const trust = trustPlan(ssh, answer, path)
  const destination: Destination = {
    where: `${asked.label} (${shownAddress(address, port)})`,
    address,
    port,
    user,
    owner: {
      name: alias === undefined ? address : checkedHost(alias, at('hostkeyalias')),
      port,
      alias: alias !== undefined,
    },
    jumps: asked.jumps ?? jumpsOf(answer, asked.label),
    trust: withInstance(trust.plan, alias === undefined ? asked.instance : undefined, around),
    identities: identityPlan(around, answer, path),
    keepalive: keepalivePlan(ssh, answer),
    connectTimeout: ssh.connectTimeout ?? seconds(value('connecttimeout')) ?? defaultConnectTimeout,
  }
  return { destination, warnings: [...answer.warnings, ...trust.warnings] }
}

/** An id that could not stand in known_hosts is none. */
export function withInstance(plan: TrustPlan, id: string | undefined, around: Surroundings): TrustPlan {
  if (id === undefined || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)) return plan
  const own = around.ssh.knownHosts === undefined ? undefined : plan.files.user
  return { ...plan, instance: { id, file: instanceFile(own, around) } }
}

/** What the ssh config says about a host: the user's, and, as for ssh, the system's after it. */
export function answerOf(host: string, user: string | undefined, around: Surroundings): ConfigAnswer {
  const main = around.ssh.config === false ? undefined : around.files.main(around.ssh.config)
  const system = systemConfigOf(around)
  return askConfig({
    host,
    ...(user === undefined ? {} : { user }),
    localUser: around.localUser,
    configs: [main, system].filter((config) => config !== undefined),
    include: (pattern, file) => around.files.includes(file, pattern),
  })
}

/** With another file in the place of the user's own, ssh reads no other. */
export function systemConfigFile({ ssh, home }: Pick<Surroundings, 'ssh' | 'home'>): string | undefined {
  if (ssh.config === false) return undefined
  const own = resolve(expandHome(ssh.config, home)) === join(home, '.ssh', 'config')
  return own ? '/etc/ssh/ssh_config' : undefined
}

function systemConfigOf(around: Surroundings) {
  const file = systemConfigFile(around)
  return file === undefined ? undefined : around.files.main(file)
}

function pathOf(text: string, tokens: TokenValues, source: string): string {
  const expanded = expandPath(text, tokens)
  if ('path' in expanded) return expanded.path
  throw new DeliverError('usage', `${source}: ${expanded.problem}`, {
    fix: 'Use the tokens %h, %n, %p, %r, %u, %d, %k and %%, and variables that are set.',
  })
}

export function shownAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** A whole number of seconds as milliseconds. ssh reads 0 and words as "no limit", which we don't offer. */
export function seconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,6}$/.test(text)) return undefined
  return Number(text) * 1000 || undefined
}
