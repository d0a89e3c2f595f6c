import { isAbsolute, join, resolve } from 'node:path'
import type { SshConfig } from '../../config/types.js'
import type { Surroundings } from './destination.js'
import type { Files } from './known-hosts-files.js'
import type { KnownHost } from './known-hosts.js'
import type { ConfigAnswer } from './ssh-config.js'

/** Which keys a host may show. */
export interface TrustPlan {
  readonly mode: 'strict' | 'accept-new'
  readonly files: Files
  /**
   * A cloud's server, whose keys are stored under its id: with another server that got its address, nothing has changed. Lines for
   * the id decide; without any, those for the address do.
   */
  readonly instance?: { readonly id: string; readonly file: string }
  /** All the keys that the host may show, if the config has a source of its own for them. */
  readonly given?: readonly KnownHost[]
}

/** Which keys we may show. */
export interface IdentityPlan {
  readonly files: readonly IdentityFile[]
  /** The agent's socket; undefined: none is to be asked. */
  readonly agent?: string
  /** Only keys of `files`, even if the agent has more. */
  readonly only: boolean
}

export interface IdentityFile {
  readonly path: string
  /** Who named it: our config must be right, the ssh config may name files that aren't there, as may the defaults. */
  readonly from: 'deliver' | 'ssh' | 'default'
}

export interface KeepalivePlan {
  readonly interval: number
  /** Intervals without a byte from the host until the connection counts as lost. */
  readonly missed: number
}

/** Expands a path; the second argument says where it was written. */
type PathOf = (text: string, source: string) => string

const defaultIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa']
export const defaultKeepalive = 15_000
const maxMissed = 3

export function trustPlan(ssh: SshConfig, answer: ConfigAnswer, path: PathOf) {
  const warnings: string[] = []
  const files = (keyword: string, defaults: readonly string[]) => {
    const line = answer.values.get(keyword)
    if (line?.args[0]?.toLowerCase() === 'none') return []
    return (line?.args ?? defaults).map((text) => resolve(path(text, line?.at ?? keyword)))
  }
  const user = ssh.knownHosts?.map((text) => resolve(path(text, 'ssh.knownHosts')))
  // A config that lists its own files trusts these and no others.
  const plan: TrustPlan = {
    mode: typeof ssh.hostKeys === 'string' ? ssh.hostKeys : checking(answer, warnings),
    files:
      user === undefined
        ? {
            user: files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
            global: files('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
          }
        : { user, global: [] },
  }
  return { plan, warnings }
}

/** Where keys of cloud servers are stored by id: the config's own file, else one of deliver's. */
export function instanceFile(
  knownHosts: readonly string[] | undefined,
  { env, home }: Pick<Surroundings, 'env' | 'home'>,
): string {
  const [own] = knownHosts ?? []
  if (own !== undefined) return own
  const state = env['XDG_STATE_HOME']
  const base = state !== undefined && isAbsolute(state) ? state : join(home, '.local', 'state')
  return join(base, 'deliver', 'known_hosts')
}

function checking(answer: ConfigAnswer, warnings: string[]): TrustPlan['mode'] {
  const line = answer.values.get('stricthostkeychecking')
  switch (line?.args[0]?.toLowerCase() ?? 'ask') {
    case 'accept-new':
      return 'accept-new'
    case 'no':
    case 'off':
      warnings.push(
        `${line?.at ?? ''}: StrictHostKeyChecking no is read as accept-new: a changed host key is always refused`,
      )
      return 'accept-new'
    // "ask" means strict where nobody can answer.
    default:
      return 'strict'
  }
}

export function identityPlan(around: Surroundings, answer: ConfigAnswer, path: PathOf): IdentityPlan {
  const { ssh, env } = around
  const configured = answer.identityFiles.filter((line) => line.args[0]?.toLowerCase() !== 'none')
  const files: readonly IdentityFile[] =
    ssh.identityFile !== undefined
      ? ssh.identityFile.map((text) => ({ path: resolve(path(text, 'ssh.identityFile')), from: 'deliver' }))
      : answer.identityFiles.length > 0
        ? configured.map((line) => ({ path: resolve(path(line.args[0] ?? '', line.at)), from: 'ssh' }))
        : defaultIdentities.map((name) => ({ path: path(`~/.ssh/${name}`, 'default'), from: 'default' }))
  const only = answer.values.get('identitiesonly')?.args[0]?.toLowerCase() === 'yes'
  const agent = ssh.agent ? agentSocket(answer, env, path) : undefined
  return { files, only, ...(agent === undefined ? {} : { agent }) }
}

function agentSocket(answer: ConfigAnswer, env: NodeJS.ProcessEnv, path: PathOf): string | undefined {
  const line = answer.values.get('identityagent')
  const text = line?.args[0]
  if (text?.toLowerCase() === 'none') return undefined
  if (line === undefined || text === undefined || text === 'SSH_AUTH_SOCK')
    return env['SSH_AUTH_SOCK'] || undefined
  // `$NAME` without braces is a form that only IdentityAgent knows.
  if (/^\$[A-Za-z_]\w*$/.test(text)) return env[text.slice(1)] || undefined
  return resolve(path(text, line.at))
}

export function keepalivePlan(ssh: SshConfig, answer: ConfigAnswer): KeepalivePlan {
  const number = (keyword: string) => {
    const text = answer.values.get(keyword)?.args[0]
    return text !== undefined && /^\d{1,6}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
  }
  const interval = number('serveraliveinterval')
  return {
    interval: ssh.keepalive ?? (interval === undefined ? defaultKeepalive : interval * 1000),
    missed: number('serveralivecountmax') ?? maxMissed,
  }
}
