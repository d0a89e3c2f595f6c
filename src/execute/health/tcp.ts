import type { HealthConfig } from '../../config/types.js'
import { messageOf } from '../../errors.js'
import type { OpenTcp } from './http.js'
import type { Probe } from './probe.js'

/** Good is a connection that the host itself could open. */
export async function probeTcp(
  check: Extract<HealthConfig['check'], { kind: 'tcp' }>,
  open: OpenTcp,
  signal: AbortSignal,
): Promise<Probe> {
  try {
    const socket = await open({ host: check.host, port: check.port }, signal)
    socket.on('error', () => undefined)
    socket.destroy()
    return { ok: true }
  } catch (error) {
    return { ok: false, because: signal.aborted ? 'no connection in time' : messageOf(error) }
  }
}
