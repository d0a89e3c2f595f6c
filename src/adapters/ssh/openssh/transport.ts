import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import { DeliverError } from '../../../errors.js'
import type { Host, Session, Transport } from '../../../ports.js'
import { ConnectFailure, timedOut } from '../connect-failure.js'
import type { Asked, Surroundings } from '../destination.js'
import { withGivenKeys } from '../given-keys.js'
import { KnownHostsFiles } from '../known-hosts-files.js'
import { checkedHost, checkedPort, checkedUser } from '../names.js'
import { pause, tried } from '../retries.js'
import { Semaphore } from '../semaphore.js'
import { surroundings } from '../surroundings.js'
import type { SshTransportOptions } from '../surroundings.js'
import { parseEffective } from './answer.js'
import { configText, questionText } from './config-text.js'
import type { ConfigParts } from './config-text.js'
import { controlBase, makeControlDirectory, sweepControlDirectories } from './control-directory.js'
import { judgeFailure } from './failure.js'
import { MasterFiles, startMaster } from './master.js'
import { runSsh, sshVersion } from './program.js'
import { OpenSshSession } from './session.js'
import { configParts, trustOptions } from './settings.js'
import { targetOf } from './target.js'
import type { Target } from './target.js'

/** Connections that are being opened at once: altogether, and through one bastion, whose sshd drops some above ten. */
const opening = { altogether: 10, perBastion: 5 }
/** The first that tells which key it was shown (KnownHostsCommand). */
const oldest = 8.5

/** Connects to hosts with the system's ssh: one master per host, and all that the user's ssh config can say. */
export function createOpenSshTransport(options: SshTransportOptions): Transport {
  return new OpenSshTransport(options)
}

class OpenSshTransport implements Transport {
  readonly #options: SshTransportOptions
  readonly #around: Surroundings
  readonly #parts: ConfigParts
  readonly #known = new KnownHostsFiles()
  readonly #opening = new Semaphore(opening.altogether)
  readonly #bastions = new Map<string, Semaphore>()
  readonly #sessions = new Set<OpenSshSession>()
  readonly #warned = new Set<string>()
  #directory: string | undefined
  #ready: Promise<void> | undefined
  #count = 0

  constructor(options: SshTransportOptions) {
    this.#options = options
    this.#around = surroundings(options)
    this.#parts = configParts(this.#around)
  }

  async connect(host: Host, signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted()
    const asked = checked(host)
    await (this.#ready ??= this.#prepare())
    const files = new MasterFiles(join((this.#directory ??= this.#makeDirectory()), String(this.#count++)))
    try {
      const target = await this.#resolve(host, asked, files, signal)
      for (const text of target.warnings) this.#warn(text)
      return await this.#untilOpen({ host, asked, files, target }, signal)
    } catch (error) {
      await files.remove()
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()))
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true })
    this.#directory = undefined
  }

  async #prepare(): Promise<void> {
    const [version] = await Promise.all([
      sshVersion(this.#options.env),
      sweepControlDirectories(controlBase()),
    ])
    if (version !== undefined && version >= oldest) return
    throw new DeliverError(
      'failed',
      `ssh.client: the ssh of this machine is ${version === undefined ? 'not OpenSSH' : `OpenSSH ${version}`}; deliver needs OpenSSH ${oldest} or newer`,
      {
        fix: "Update it, or set ssh.client to 'ssh2' if the ssh config needs nothing that only OpenSSH has.",
      },
    )
  }

  #makeDirectory(): string {
    return makeControlDirectory(controlBase())
  }

  /** Asks ssh what the user's config means for this host. */
  async #resolve(host: Host, asked: Asked, files: MasterFiles, signal?: AbortSignal): Promise<Target> {
    await files.write((noter) => ({
      config: configText(this.#parts, noter),
      question: questionText(this.#parts),
    }))
    const args = ['-G', '-F', files.question, ...loginOptions(asked, this.#around), '--', asked.address]
    const { end, stdout, stderr } = await runSsh({ args, env: this.#options.env, timeout: 30_000, signal })
    if (end.kind !== 'exit' || end.code !== 0) {
      throw new DeliverError(
        'usage',
        `${asked.label}: ssh can't read its config: ${stderr.trim().slice(-500)}`,
        {
          fix: 'Correct the ssh config, or set ssh.config to another file or to false.',
        },
      )
    }
    const target = targetOf(asked, parseEffective(stdout), this.#around)
    return { ...target, trust: await withGivenKeys(target, host, this.#around, signal) }
  }

  async #untilOpen(work: Work, signal?: AbortSignal): Promise<Session> {
    const { target } = work
    const most = target.jump === undefined ? this.#around.ssh.retries : Math.min(1, this.#around.ssh.retries)
    let learned = 0
    for (let failures = 0; ;) {
      const outcome = await this.#inTurn(target.jump, () => this.#attempt(work, signal), signal)
      if (outcome instanceof OpenSshSession) return outcome
      if (outcome === 'learned') {
        // Each host on the way has one key to learn.
        if (learned++ > 8)
          throw new DeliverError('failed', `${target.where}: its keys change with every attempt`, {
            fix: 'Several servers answer at this address. Name one of them.',
          })
        continue
      }
      if (!outcome.retry || failures >= most) throw tried(outcome, failures)
      await pause(failures++, this.#options.clock, signal)
    }
  }

  async #attempt({ host, asked, files, target }: Work, signal?: AbortSignal) {
    const options = [
      ...loginOptions(asked, this.#around),
      ...(await trustOptions(target, files, this.#known)),
    ]
    const started = await startMaster({
      files,
      options,
      address: asked.address,
      env: this.#options.env,
      timeout: target.connectTimeout,
      signal,
    })
    if (started.kind === 'open') {
      const session = new OpenSshSession(host, files, started.control, () => this.#sessions.delete(session))
      this.#sessions.add(session)
      return session
    }
    const shown = target.foreignKeys ? [] : await files.shown()
    if (started.kind === 'late') {
      return timedOut(target.where, shown.length > 0 ? 'login' : 'connection', target.connectTimeout)
    }
    try {
      return await judgeFailure({ target, shown, said: started.said, known: this.#known })
    } catch (error) {
      if (error instanceof DeliverError) return new ConnectFailure(error, false)
      throw error
    }
  }

  #inTurn<T>(jump: string | undefined, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const inTurn = () => this.#opening.run(work, signal)
    if (jump === undefined) return inTurn()
    const places = this.#bastions.get(jump) ?? new Semaphore(opening.perBastion)
    this.#bastions.set(jump, places)
    return places.run(inTurn, signal)
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return
    this.#warned.add(text)
    this.#options.reporter?.event({ type: 'warning', text })
  }
}

interface Work {
  readonly host: Host
  readonly asked: Asked
  readonly files: MasterFiles
  readonly target: Target
}

/** Names that ssh can take for nothing else than names. */
function checked({ name, address, port, user, instance }: Host): Asked {
  return {
    label: name,
    address: checkedHost(address, name),
    ...(port === undefined ? {} : { port: checkedPort(port, name) }),
    ...(user === undefined ? {} : { user: checkedUser(user, name) }),
    ...(instance === undefined ? {} : { instance }),
  }
}

function loginOptions(asked: Asked, { ssh }: Surroundings): readonly string[] {
  const user = asked.user ?? ssh.user
  const port = asked.port ?? ssh.port
  return [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)])]
}
