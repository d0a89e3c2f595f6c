import { access, readFile } from 'node:fs/promises'
import { agentKeyTypes } from './agent-key-types.js'
import { answerOf } from './destination.js'
import type { Asked, Surroundings } from './destination.js'
import { identityPlan, trustPlan } from './destination-plans.js'
import type { IdentityPlan } from './destination-plans.js'
import { judgeKey } from './host-key.js'
import type { KnownHostsFiles } from './known-hosts-files.js'
import { asksForNothing, openSshOnly } from './openssh-only.js'
import { hopsOf } from './proxy-jump.js'
import type { ConfigAnswer } from './ssh-config.js'
import { expandPath } from './tokens.js'

/**
 * Why a host needs the system's ssh, for people; undefined: the library can do what its ssh config asks for. A bastion on the way
 * counts as well: one client makes the whole way.
 */
export async function needsOpenSsh(
  asked: Asked,
  around: Surroundings,
  known: KnownHostsFiles,
  seen: Set<string> = new Set(),
): Promise<string | undefined> {
  const user = asked.user ?? (asked.bastion === true ? undefined : around.ssh.user)
  const answer = answerOf(asked.address, user, around)
  const reason = settingOf(answer) ?? (await fileOf(asked, answer, around, known))
  if (reason !== undefined) return reason
  for (const hop of hopsOf(answer, asked.label)) {
    // Bastions may name each other, or themselves.
    const id = JSON.stringify([hop.address, hop.user, hop.port])
    if (seen.has(id)) continue
    seen.add(id)
    const label = `bastion ${hop.address}`
    const found = await needsOpenSsh({ ...hop, label, bastion: true }, around, known, seen)
    if (found !== undefined) return found
  }
  return undefined
}

function settingOf({ values, undecided }: ConfigAnswer): string | undefined {
  const [match] = undecided
  if (match !== undefined) return `${match.at}: Match ${match.args.join(' ')}`.slice(0, 200)
  for (const keyword of ['proxycommand', ...openSshOnly]) {
    const line = values.get(keyword)
    if (line !== undefined && !asksForNothing(line.args[0])) return `${line.at}: ${keyword}`
  }
  return undefined
}

async function fileOf(
  asked: Asked,
  answer: ConfigAnswer,
  around: Surroundings,
  known: KnownHostsFiles,
): Promise<string | undefined> {
  const value = (keyword: string) => answer.values.get(keyword)?.args[0]
  const { home, env, localUser, ssh } = around
  const address = (value('hostname') ?? asked.address).replaceAll('%h', asked.address)
  const given: Pick<Asked, 'port' | 'user'> = asked.bastion === true ? {} : ssh
  const port = asked.port ?? given.port ?? (Number(value('port') ?? 22) || 22)
  const user = asked.user ?? given.user ?? value('user') ?? ssh.user ?? localUser
  const alias = value('hostkeyalias')
  const tokens = { host: address, originalHost: asked.address, port, user, localUser, home, env }
  let foreign: string | undefined
  const path = (text: string, source: string): string => {
    const expanded = expandPath(text, alias === undefined ? tokens : { ...tokens, hostKeyAlias: alias })
    if ('path' in expanded) return expanded.path
    foreign ??= `${source}: ${expanded.problem}`
    return text
  }
  const { plan } = trustPlan(ssh, answer, path)
  const identities = identityPlan(around, answer, path)
  if (foreign !== undefined) return foreign
  const owner = { name: alias ?? address, port, alias: alias !== undefined }
  const entries = await known.entries([...plan.files.user, ...plan.files.global]).catch(() => [])
  // Of a host that is not known by a key of its own, an authority has the key.
  const verdict = judgeKey(entries, owner, Buffer.alloc(0))
  if (verdict.kind === 'unknown' && verdict.authority !== undefined)
    return `${verdict.authority.at}: @cert-authority`
  return (await keyFileOf(identities)) ?? (await agentOf(identities, ssh.identityFile === undefined))
}

/** A certificate that lies beside its key, and a key of a FIDO token. */
async function keyFileOf({ files }: IdentityPlan): Promise<string | undefined> {
  for (const { path } of files) {
    if (await isThere(`${path}-cert.pub`)) return `${path}-cert.pub: a certificate to log in with`
    const half = await readFile(`${path}.pub`, 'latin1').catch(() => '')
    if (half.startsWith('sk-')) return `${path}: a key of a FIDO token`
  }
  return undefined
}

async function agentOf({ agent, only }: IdentityPlan, free: boolean): Promise<string | undefined> {
  if (agent === undefined || only || !free) return undefined
  const types = await agentKeyTypes(agent, 2_000)
  if (types.some((type) => type.includes('-cert-v'))) return 'the ssh agent holds a certificate'
  if (types.some((type) => type.startsWith('sk-'))) return 'the ssh agent holds a key of a FIDO token'
  return undefined
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
