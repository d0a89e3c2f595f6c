import { DeliverError, messageOf } from '../../errors.js'

/** How far a connection got. */
export type Phase = 'connection' | 'banner' | 'key exchange' | 'login'

/** A failed attempt. `retry`: the same attempt may succeed a little later. */
export class ConnectFailure extends Error {
  readonly error: DeliverError
  readonly retry: boolean

  constructor(error: DeliverError, retry: boolean) {
    super(error.message)
    this.error = error
    this.retry = retry
  }
}

const byCode: Readonly<
  Record<string, { readonly because: string; readonly fix: string; readonly retry: boolean }>
> = {
  ECONNREFUSED: {
    because: 'connection refused',
    fix: 'Check that the host is up, that sshd runs on this port, and the firewall.',
    retry: true,
  },
  EHOSTUNREACH: {
    because: 'no route to the host',
    fix: 'Check that the host is up and the network between.',
    retry: true,
  },
  ENETUNREACH: {
    because: 'no route to the network',
    fix: 'Check the network or VPN of this machine.',
    retry: true,
  },
  ETIMEDOUT: { because: 'no answer', fix: 'Check that the host is up, and the firewall.', retry: true },
  ENOTFOUND: {
    because: 'the name does not resolve',
    fix: 'Check the spelling, DNS, or add a Host entry to the ssh config.',
    retry: false,
  },
  EAI_AGAIN: {
    because: 'the name can not be resolved at the moment',
    fix: 'Check the DNS servers of this machine.',
    retry: true,
  },
}

const busy =
  'sshd may be at its limit of new connections (MaxStartups), still starting, or refusing this address (PerSourcePenalties).'

/** What an error means that ended an attempt in a phase. Network trouble is worth another try; a refused login never is. */
export function connectFailure(where: string, phase: Phase, cause: unknown): ConnectFailure {
  const code = codeOf(cause)
  const known = phase === 'connection' ? byCode[code] : undefined
  if (known !== undefined) {
    return new ConnectFailure(
      new DeliverError('failed', `${where}: ${known.because}`, { fix: known.fix, cause }),
      known.retry,
    )
  }
  const reset = code === 'ECONNRESET' || code === 'EPIPE'
  if (phase !== 'login' && (reset || isClosed(cause))) return closed(where, phase, cause)
  const fix =
    phase === 'key exchange'
      ? 'deliver offers no SHA-1 and no DSA. If the host has nothing newer, update its sshd.'
      : 'Try the same with ssh -v; if that works, compare the settings.'
  return new ConnectFailure(
    new DeliverError('failed', `${where}: ${phase} failed: ${messageOf(cause)}`, { fix, cause }),
    false,
  )
}

export function closed(where: string, phase: Phase, cause?: unknown): ConnectFailure {
  const message = `${where}: the host closed the connection during the ${phase}`
  return new ConnectFailure(new DeliverError('failed', message, { fix: busy, cause }), phase !== 'login')
}

export function timedOut(where: string, phase: Phase, ms: number): ConnectFailure {
  const what = phase === 'connection' ? 'no answer' : `the ${phase} did not finish`
  const fix =
    phase === 'login'
      ? 'If an agent waits for a touch or a confirmation, use another key: nobody is there to give it.'
      : 'Check that the host is up and the network between; raise ssh.connectTimeout if it is slow.'
  return new ConnectFailure(
    new DeliverError('failed', `${where}: ${what} within ${ms / 1000} s`, { fix }),
    phase !== 'login',
  )
}

/** ssh2's own error for a connection that ends before the banner has no code. */
function isClosed(cause: unknown): boolean {
  return cause instanceof Error && cause.message === 'Connection lost before handshake'
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
