import type { HostStep } from '../plan/types.js'
import { settle } from './settle.js'
import { hostState, type Run, type RunHost } from './run.js'
import { activateHost, confirmSwitch, type Stepped } from './switch.js'

/** What one host made of its step. `switched`: `current` names, or may name, the new release. */
export type Advanced =
  | { readonly kind: 'done' }
  | { readonly kind: 'bad'; readonly because: string; readonly log: string; readonly switched: boolean }

/** Takes one host through activate, settle and confirm. Never rejects. */
export async function advanceHost(
  run: Run,
  host: RunHost,
  step: HostStep,
  digest: string,
  how: { readonly via: 'deploy' | 'rollback'; readonly markBad?: string },
): Promise<Advanced> {
  if (run.lost.aborted) return { kind: 'bad', because: 'the deploy lost its lock', log: '', switched: false }
  hostState(run, host.name, 'activating', `${step.from ?? 'nothing'} -> ${step.to}`)
  const activated = await activateHost(run, host, { release: step.to, digest })
  if (activated.kind !== 'ok') return bad(activated)

  hostState(run, host.name, 'settling')
  const settled = await settle(run, host, step.to)
  if (settled.kind === 'unhealthy')
    return { kind: 'bad', because: settled.because, log: settled.log, switched: true }

  if (run.lost.aborted) return { kind: 'bad', because: 'the deploy lost its lock', log: '', switched: true }
  const confirmed = await confirmSwitch(run, host, step.to, how)
  return confirmed.kind === 'ok' ? { kind: 'done' } : bad(confirmed)
}

/** Whether a host that runs the release already is healthy on it, without changing anything there. */
export async function isHealthy(run: Run, host: RunHost, step: HostStep): Promise<boolean> {
  hostState(run, host.name, 'settling', step.because)
  const settled = await settle(run, host, step.to)
  if (settled.kind === 'healthy') return true
  run.reporter.event({ type: 'warning', host: host.name, text: `${settled.because}; it will be restarted` })
  return false
}

function bad(stepped: Exclude<Stepped, { kind: 'ok' }>): Advanced {
  return stepped.kind === 'failed'
    ? { kind: 'bad', because: stepped.because, log: stepped.log, switched: stepped.switched }
    : { kind: 'bad', because: `unreachable while switching: ${stepped.because}`, log: '', switched: true }
}
