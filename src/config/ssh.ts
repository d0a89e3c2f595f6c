/** How hosts are reached, and which keys they may show. */

/** A host whose keys are asked for. */
export interface KeyedHost {
  readonly name: string
  readonly address: string
  readonly port?: number
  /** The cloud's id of it, where it has one. */
  readonly instance?: string
}

/** Gives the public keys of a host: lines as `ssh-keyscan` or a `.pub` file has them. */
export type HostKeyFunction = (
  host: KeyedHost,
) => string | readonly string[] | Promise<string | readonly string[]>

export type HostKeySource =
  | HostKeyFunction
  /** Milliseconds. */
  | { readonly command: string; readonly timeout: number }

export interface SshConfig {
  readonly user?: string
  readonly port?: number
  readonly identityFile?: readonly string[]
  readonly knownHosts?: readonly string[]
  /** Undefined: what the ssh config says (StrictHostKeyChecking), else strict. */
  readonly hostKeys?: 'strict' | 'accept-new' | HostKeySource
  /** Default: auto, which takes OpenSSH where the ssh config needs it. */
  readonly client?: 'auto' | 'ssh2' | 'openssh'
  /** Path of the ssh config to honour; false: none. */
  readonly config: string | false
  readonly agent: boolean
  /** Undefined, here and below: what the ssh config says, else 10 s and 15 s. */
  readonly connectTimeout?: number
  readonly keepalive?: number
  readonly retries: number
  /** Hosts worked on at once; auto adapts to how busy this machine is. */
  readonly concurrency: number | 'auto'
}
