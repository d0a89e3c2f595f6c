/** A command or a forwarded connection on a host, as ssh2 and our own client of OpenSSH's master both give it. */
export interface Channel {
  /** False once no more can be sent. */
  readonly writable: boolean
  readonly stderr: ChannelOutput
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  /** `close`: when the host has closed it. */
  once(event: 'close', listener: () => void): unknown
  /** The code, or null and the signal. */
  once(event: 'exit', listener: (code: number | null, signal?: string) => void): unknown
  /** The callback comes when the connection has taken the bytes; on a closed channel perhaps never. */
  write(bytes: Buffer, taken: (error?: Error | null) => void): unknown
  /** End of file for the host. */
  end(): unknown
  /** Ends it from our side. */
  close(): unknown
  pause(): unknown
  resume(): unknown
}

export interface ChannelOutput {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  resume(): unknown
}

/** A connection that channels are opened on. A refusal is an error with the protocol's reason code as `reason`. */
export interface ChannelOpener {
  exec(command: string, started: (error: Error | undefined, channel: Channel) => void): unknown
}

export interface TcpOpener {
  forwardOut(
    fromHost: string,
    fromPort: number,
    toHost: string,
    toPort: number,
    opened: (error: Error | undefined, channel: Channel) => void,
  ): unknown
}
