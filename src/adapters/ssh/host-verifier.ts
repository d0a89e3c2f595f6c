import type { HostVerifier } from 'ssh2'
import { messageOf, DeliverError } from '../../errors.js'
import type { Destination } from './destination.js'
import { judgeKey } from './host-key.js'
import { refusedKey } from './host-key-errors.js'
import type { KnownHostsFiles } from './known-hosts-files.js'

/** Decides about the key that a host shows, and keeps the reason of a refusal. */
export class HostKeyCheck {
  readonly #destination: Destination
  readonly #files: KnownHostsFiles
  #accepted: Buffer | undefined
  refusal: DeliverError | undefined

  constructor(destination: Destination, files: KnownHostsFiles) {
    this.#destination = destination
    this.#files = files
  }

  /**
   * For ssh2. It must stay in the callback form and return nothing: ssh2 refuses a key only for a strict `false` and takes any
   * other result, a promise of `false` too, for consent.
   */
  readonly verifier: HostVerifier = (key, verify): void => {
    // A later key exchange must show the same key. It is answered at once: when the answer came a moment later, OpenSSH
    // cut the connection if the exchange fell into a transfer (RekeyLimit).
    if (this.#accepted !== undefined) return verify(this.#accepted.equals(key))
    this.#accepts(key).then(
      (result) => verify(result === true),
      (error: unknown) => {
        this.refusal = error instanceof DeliverError ? error : this.#unreadable(error)
        verify(false)
      },
    )
  }

  async #accepts(key: Buffer): Promise<boolean> {
    const { owner, trust, where } = this.#destination
    const files = [...trust.files.user, ...trust.files.global]
    let verdict = judgeKey(await this.#files.entries(files), owner, key)
    if (verdict.kind === 'unknown' && trust.mode === 'accept-new') {
      const learned = await this.#files.learn(trust.files, owner, key)
      verdict = learned.verdict
      if (verdict.kind === 'unknown') throw this.#notStored(learned.failures)
    }
    if (verdict.kind === 'trusted') {
      this.#accepted = Buffer.from(key)
      return true
    }
    throw refusedKey(verdict, { where, owner, key, files })
  }

  #notStored(failures: readonly string[]): DeliverError {
    const reasons = failures.join('; ') || 'no known_hosts file is configured'
    return new DeliverError(
      'failed',
      `${this.#destination.where}: the host's key is new and can't be stored, so it can't be trusted: ${reasons}`,
      { fix: 'Make the known_hosts file writable, or name another with ssh.knownHosts.' },
    )
  }

  #unreadable(error: unknown): DeliverError {
    return new DeliverError(
      'failed',
      `${this.#destination.where}: known_hosts can't be read: ${messageOf(error)}`,
      {
        fix: 'Make the file readable, or name another with ssh.knownHosts.',
        cause: error,
      },
    )
  }
}
