import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware } from 'ssh2'
import { DeliverError } from '../../errors.js'
import type { Identities } from './identities.js'

/**
 * One login: `none` first, as ssh does (it tells which methods the server takes, and some servers let us in by
 * other means), then each identity once.
 */
export class Login {
  readonly #user: string
  readonly #found: Identities
  readonly #tried: string[] = []
  readonly #notes: string[] = []
  #methods: readonly AuthenticationType[] = []
  #partial = false
  #askedNone = false
  /** True once nothing is left to try. */
  failed = false

  constructor(user: string, found: Identities) {
    this.#user = user
    this.#found = found
  }

  /** Something that went wrong with one identity; the next is tried. */
  note(text: string): void {
    this.#notes.push(text)
  }

  readonly handler: AuthHandlerMiddleware = (
    methods: readonly AuthenticationType[] | null,
    partial,
    next,
  ) => {
    this.#methods = methods ?? []
    if (partial) this.#partial = true
    const method = this.#next()
    if (method === undefined) {
      this.failed = true
      // ssh2 takes `false` for "no more"; its types don't say so, but let any result pass.
      return false
    }
    next(method)
    return undefined
  }

  #next(): AnyAuthMethod | undefined {
    if (!this.#askedNone) {
      this.#askedNone = true
      return { type: 'none', username: this.#user }
    }
    if (this.#partial || !this.#methods.includes('publickey')) return undefined
    const identity = this.#found.identities[this.#tried.length]
    if (identity === undefined) return undefined
    this.#tried.push(identity.label)
    return { ...identity.login, username: this.#user }
  }

  /** Why the host didn't let us in. */
  error(where: string, cut?: string): DeliverError {
    const facts = [
      this.#tried.length === 0 ? 'No key was tried' : `Tried ${this.#tried.join(', ')}`,
      ...(this.#partial
        ? [`the key was accepted, but the host also asks for ${this.#methods.join(' or ')}`]
        : []),
      ...(this.#methods.length === 0 || this.#methods.includes('publickey')
        ? []
        : [`the host takes ${this.#methods.join(', ')} only, not publickey`]),
      ...(cut === undefined ? [] : [`the host ended the login: ${cut}`]),
      ...this.#notes,
      ...this.#found.left,
    ]
    return new DeliverError('failed', `${where}: login as ${this.#user} failed. ${facts.join('; ')}`, {
      fix:
        this.#found.identities.length === 0
          ? 'Name a private key with ssh.identityFile, or load one into an ssh agent (ssh-add) and pass SSH_AUTH_SOCK on.'
          : `Check the user, and that the host lists the key in ~${this.#user}/.ssh/authorized_keys.`,
    })
  }
}
