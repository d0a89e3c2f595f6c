import type { HostKeySource } from '../../config/types.js'
import { DeliverError, messageOf } from '../../errors.js'
import type { Host } from '../../ports.js'
import { lazily } from '../../lazily.js'
import { unlessAborted } from './abort.js'
import type { Surroundings } from './destination.js'
import type { TrustPlan } from './destination-plans.js'
import { nameOf } from './host-key.js'
import type { KeyOwner } from './host-key.js'
import { entriesFor, parseKnownHosts } from './known-hosts.js'
import type { KnownHost } from './known-hosts.js'

/** With all that it takes to start programs: few configs have such a command. */
const loadShell = lazily(() => import('../shell.js'))

/** More than the keys of any host. */
const longestAnswer = 64 * 1024

export interface KeyAsker {
  readonly where: string
  readonly owner: KeyOwner
  readonly trust: TrustPlan
}

/** The host's trust, with the keys that `ssh.hostKeys` gives for it, where that is a command or function. */
export async function withGivenKeys(
  { where, owner, trust }: KeyAsker,
  host: Host,
  around: Surroundings,
  signal?: AbortSignal,
): Promise<TrustPlan> {
  const source = around.ssh.hostKeys
  if (source === undefined || typeof source === 'string') return trust
  const failed = (problem: string, cause?: unknown) =>
    new DeliverError('failed', `${where}: ssh.hostKeys gave no keys: ${problem}`, {
      fix: 'Repair the command or function: it must give public keys, one a line, as ssh-keyscan or a .pub file has them.',
      cause,
    })
  const text = await ask(source, host, around, signal).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw failed(messageOf(error), error)
  })
  const given = parseGivenKeys(text, owner)
  if (given.length === 0)
    throw failed(text.trim() === '' ? 'no answer' : 'no line of the answer is a public key for it')
  // Keys that are given name the host by its address; its id has nothing to add.
  return { mode: 'strict', files: trust.files, given }
}

/**
 * Public keys, one a line: `TYPE BASE64 [COMMENT]`, or a line of known_hosts, which must be one for this host. All else is left
 * out: what is not read vouches for nothing.
 */
export function parseGivenKeys(text: string, owner: KeyOwner): readonly KnownHost[] {
  const name = nameOf(owner)
  const source = 'the answer of ssh.hostKeys'
  // A line can't be both: what a bare key has in the place of a type would be the key itself.
  const entries = text.split('\n').flatMap((line) => {
    const key = parseKnownHosts(`${name} ${line.trim()}`, source)
    return key.length > 0 ? key : parseKnownHosts(line, source)
  })
  return entriesFor(entries, name)
}

function ask(source: HostKeySource, host: Host, around: Surroundings, signal?: AbortSignal): Promise<string> {
  if (typeof source === 'function') return call(source, host, signal)
  return run(source, host, around, signal)
}

const functionTimeout = 10_000

async function call(
  source: Extract<HostKeySource, (...args: never[]) => unknown>,
  host: Host,
  signal?: AbortSignal,
): Promise<string> {
  const late = AbortSignal.timeout(functionTimeout)
  const until = signal === undefined ? late : AbortSignal.any([signal, late])
  const asked = (async () => source(host))()
  const answer: unknown = await unlessAborted(asked, until).catch((error: unknown) => {
    throw late.aborted ? new Error(`no answer within ${functionTimeout / 1000} s`) : error
  })
  const lines: readonly unknown[] = Array.isArray(answer) ? answer : [answer]
  if (!lines.every((line) => typeof line === 'string'))
    throw new Error('it returned something else than text')
  return lines.join('\n').slice(0, longestAnswer)
}

async function run(
  { command, timeout }: Extract<HostKeySource, { command: string }>,
  { name, address, port, instance }: Host,
  { env, directory }: Surroundings,
  signal?: AbortSignal,
): Promise<string> {
  const { howItEnded, runShell } = await loadShell()
  const lines: string[] = []
  let size = 0
  let complaint = ''
  const end = await runShell({
    command,
    cwd: directory,
    env: {
      ...env,
      DELIVER_HOST: name,
      DELIVER_HOST_ADDRESS: address,
      DELIVER_HOST_PORT: port === undefined ? '' : String(port),
      DELIVER_HOST_INSTANCE: instance ?? '',
    },
    signal,
    timeout,
    onLine: (stream, line) => {
      size += line.length + 1
      if (stream === 'stderr') complaint = line.slice(0, 300)
      else if (size <= longestAnswer) lines.push(line)
    },
  })
  signal?.throwIfAborted()
  if (end.kind === 'exit' && end.code === 0) return lines.join('\n')
  throw new Error(`the command ${howItEnded(end, timeout)}${complaint === '' ? '' : `: ${complaint}`}`)
}
