import type { Duplex } from 'node:stream'
import { DeliverError, messageOf } from '../../errors.js'
import { abortReason } from './abort.js'
import type { TcpOpener } from './channel.js'
import { shownAddress } from './destination.js'
import { Tunnel } from './tunnel.js'

const refusals: Readonly<Record<number, string>> = {
  1: 'sshd forbids it (AllowTcpForwarding, PermitOpen or DisableForwarding)',
  2: 'connection refused or unreachable from there',
  3: 'the host knows no TCP forwarding',
  4: 'the host is short of resources',
}

/** What the host's configuration forbids, now and at the next try. */
const policies: ReadonlySet<number> = new Set([1, 3])

export interface TcpRequest {
  readonly client: TcpOpener
  readonly address: { readonly host: string; readonly port: number }
  /** Aborted when the connection to the host is gone. */
  readonly lost: AbortSignal
  readonly signal: AbortSignal | undefined
}

/** A TCP connection from the host, as `Session.openTcp` promises it. */
export function openTcp({ client, address, lost, signal }: TcpRequest): Promise<Duplex> {
  const target = shownAddress(address.host, address.port)
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      signal?.removeEventListener('abort', abort)
      lost.removeEventListener('abort', gone)
      finish()
    }
    const refuse = (because: string, cause?: unknown) =>
      settle(() => reject(refusal(`no connection to ${target}: ${because}`, cause)))
    const abort = () => settle(() => reject(abortReason(signal)))
    const gone = () => refuse(messageOf(lost.reason))
    if (signal?.aborted === true) return abort()
    if (lost.aborted) return gone()
    signal?.addEventListener('abort', abort, { once: true })
    lost.addEventListener('abort', gone, { once: true })
    try {
      client.forwardOut('127.0.0.1', 0, address.host, address.port, (error, channel) => {
        if (error !== undefined) return refuse(reasonOf(error), error)
        const tunnel = new Tunnel(channel)
        // Too late: nobody is left to close it.
        if (signal?.aborted === true) tunnel.destroy()
        settle(() => resolve(tunnel))
      })
    } catch (error) {
      refuse(messageOf(error), error)
    }
  })
}

function refusal(message: string, cause: unknown): DeliverError {
  if (cause instanceof Error && policies.has(codeOf(cause) ?? 0))
    return new DeliverError('precondition', message, {
      fix: 'Allow it in the sshd_config there: AllowTcpForwarding local, and PermitOpen for this address.',
      cause,
    })
  return new DeliverError('failed', message, {
    fix: 'Check that the host is up, its address and port, and what lies between (firewall, bastion).',
    cause,
  })
}

function reasonOf(error: Error): string {
  return refusals[codeOf(error) ?? 0] ?? error.message
}

function codeOf(error: Error): number | undefined {
  return 'reason' in error && typeof error.reason === 'number' ? error.reason : undefined
}
