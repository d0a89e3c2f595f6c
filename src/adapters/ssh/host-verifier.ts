import type { HostVerifier } from 'ssh2'
import { DeliverError, messageOf } from '../../errors.js'
import type { Destination } from './destination.js'
import { acceptKey } from './key-trust.js'
import type { KnownHostsFiles } from './known-hosts-files.js'

/** Decides about the key that a host shows ssh2, and keeps the reason of a refusal. */
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
    const { owner, trust, where } = this.#destination
    acceptKey(this.#files, { where, owner, trust, key }).then(
      () => {
        this.#accepted = Buffer.from(key)
        verify(true)
      },
      (error: unknown) => {
        this.refusal = error instanceof DeliverError ? error : new DeliverError('failed', messageOf(error))
        verify(false)
      },
    )
  }
}
