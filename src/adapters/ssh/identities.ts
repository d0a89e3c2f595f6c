import type { BaseAgent, ParsedKey } from 'ssh2'
import { DeliverError, messageOf } from '../../errors.js'
import { agentKeys, singleKeyAgent } from './agent.js'
import type { IdentityFile, IdentityPlan } from './destination-plans.js'
import { readKeyFile } from './private-key-file.js'
import type { KeyFile } from './private-key-file.js'
import type { Ssh2 } from './ssh2.js'

/** A key to log in with. */
export interface Identity {
  /** For people: the file, or "agent key ssh-ed25519 (comment)". */
  readonly label: string
  readonly login:
    | { readonly type: 'publickey'; readonly key: ParsedKey }
    | { readonly type: 'agent'; readonly agent: BaseAgent }
}

export interface Identities {
  readonly identities: readonly Identity[]
  /** Keys that exist but can't be used, or aren't tried, and why. For the message if the login fails. */
  readonly left: readonly string[]
}

/** Servers cut a login after a few keys (MaxAuthTries), and newer ones punish the address that tries many. */
export const maxIdentities = 4

const agentTimeout = 10_000

/** Finds the keys that may be used, in the order to try them: named files, the agent's, files in the default places. */
export async function findIdentities(plan: IdentityPlan, ssh2: Ssh2): Promise<Identities> {
  const left: string[] = []
  const agent = plan.agent === undefined ? undefined : await openAgent(plan.agent, ssh2, left)
  const named: Identity[] = []
  const used = new Set<ParsedKey>()
  for (const file of plan.files) {
    const keyFile = await readKeyFile(file.path, ssh2)
    if (keyFile.kind === 'private')
      named.push({ label: file.path, login: { type: 'publickey', key: keyFile.key } })
    const held = agent?.keys.find((key) => isKeyOf(keyFile, key))
    if (held !== undefined) used.add(held)
    if (keyFile.kind === 'private') continue
    if (agent !== undefined && held !== undefined) named.push(agentIdentity(agent.agent, held, ssh2))
    else if (file.from === 'deliver') throw unusable(file, keyFile, plan)
    else if (keyFile.kind !== 'missing') left.push(`${file.path} ${keyFile.because}`)
    else if (file.from === 'ssh') left.push(`${file.path} is missing`)
  }
  const others = agent === undefined || plan.only ? [] : agent.keys.filter((key) => !used.has(key))
  const offered = agent === undefined ? [] : others.map((key) => agentIdentity(agent.agent, key, ssh2))
  const ordered = plan.files.some(({ from }) => from === 'default')
    ? [...offered, ...named]
    : [...named, ...offered]
  for (const { label } of ordered.slice(maxIdentities))
    left.push(`${label} (not tried: at most ${maxIdentities} keys are)`)
  return { identities: ordered.slice(0, maxIdentities), left }
}

async function openAgent(socket: string, ssh2: Ssh2, left: string[]) {
  const agent = ssh2.createAgent(socket)
  try {
    return { agent, keys: await agentKeys(agent, ssh2, agentTimeout) }
  } catch (error) {
    left.push(`the agent at ${socket} does not answer (${messageOf(error)})`)
    return undefined
  }
}

function isKeyOf(file: KeyFile, key: ParsedKey): boolean {
  if (file.kind === 'private') return key.getPublicSSH().equals(file.key.getPublicSSH())
  return file.kind === 'agent-only' && file.publicKey?.equals(key.getPublicSSH()) === true
}

function agentIdentity(agent: BaseAgent, key: ParsedKey, ssh2: Ssh2): Identity {
  const comment = key.comment === '' ? '' : ` (${key.comment})`
  return {
    label: `agent key ${key.type}${comment}`,
    login: { type: 'agent', agent: singleKeyAgent(agent, key, ssh2) },
  }
}

function unusable(
  file: IdentityFile,
  keyFile: Exclude<KeyFile, { kind: 'private' }>,
  plan: IdentityPlan,
): DeliverError {
  const what = keyFile.kind === 'missing' ? 'does not exist' : keyFile.because
  const agent = plan.agent === undefined ? 'there is no ssh agent' : 'the ssh agent does not hold it'
  const message = `ssh.identityFile: ${file.path} ${what}${keyFile.kind === 'agent-only' ? `, and ${agent}` : ''}`
  return new DeliverError('usage', message, {
    fix:
      keyFile.kind === 'agent-only'
        ? `deliver never asks for a passphrase. Load the key into an agent (ssh-add ${file.path}) and pass SSH_AUTH_SOCK on, or use a key without passphrase.`
        : 'Correct the path, or make the file a private key that this user can read.',
  })
}
