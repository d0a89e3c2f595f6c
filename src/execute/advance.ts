import type { HostStep } from '../plan/types.js'
import { settle } from './settle.js'
import { hostState, type Run, type RunHost } from './run.js'
import { objection, type StepContext } from './steps.js'
import { activateHost, confirmSwitch, type Stepped } from './switch.js'

/** What one host made of its step. `switched`: `current` names, or may name, the new release. */
export type Advanced =
  | { readonly kind: 'done' }
  | { readonly kind: 'bad'; readonly because: string; readonly log: string; readonly switched: boolean }

export interface Advance {
  readonly host: RunHost
  readonly step: HostStep
  readonly digest: string
  readonly how: { readonly via: 'deploy' | 'rollback'; readonly markBad?: string }
  /** For what is run around the steps: of this host alone. */
  readonly context: StepContext
}

/** Takes one host through activate, settle and confirm. Never rejects. */
export async function advanceHost(run: Run, advance: Advance): Promise<Advanced> {
  if (run.lost.aborted) return lost({ switched: false })
  const before = await objection(run.steps.before('host', advance.context))
  if (before !== undefined) return refused(before, { switched: false })
  const advanced = await switchAndSettle(run, advance)
  if (advanced.kind === 'bad') return advanced
  const confirmed = await confirmSwitch(run, advance.host, advance.step.to, advance.how)
  if (confirmed.kind !== 'ok') return bad(confirmed)
  const after = await objection(run.steps.after('host', advance.context))
  return after === undefined ? advanced : refused(after, { switched: true })
}

async function switchAndSettle(run: Run, { host, step, digest, context }: Advance): Promise<Advanced> {
  const { steps } = run
  const before = await objection(steps.before('activate', context))
  if (before !== undefined) return refused(before, { switched: false })
  if (run.lost.aborted) return lost({ switched: false })
  hostState(run, host.name, 'activating', `${step.from ?? 'nothing'} -> ${step.to}`)
  const mayGoBack = step.noWayBack === undefined
  const activated = await activateHost(run, host, { release: step.to, digest, mayGoBack })
  if (activated.kind !== 'ok') return bad(activated)
  const between = await objection(
    steps.after('activate', context).then(() => steps.before('settle', context)),
  )
  if (between !== undefined) return refused(between, { switched: true })

  hostState(run, host.name, 'settling')
  const settled = await settle(run, host, step.to)
  if (settled.kind === 'unhealthy')
    return { kind: 'bad', because: settled.because, log: settled.log, switched: true }
  const after = await objection(steps.after('settle', context))
  if (after !== undefined) return refused(after, { switched: true })
  return run.lost.aborted ? lost({ switched: true }) : { kind: 'done' }
}

/** Whether a host that runs the release already is healthy on it, without changing anything there. */
export async function isHealthy(run: Run, host: RunHost, step: HostStep): Promise<boolean> {
  hostState(run, host.name, 'settling', step.because)
  const settled = await settle(run, host, step.to, { proven: true })
  if (settled.kind === 'healthy') return true
  run.reporter.event({ type: 'warning', host: host.name, text: `${settled.because}; it will be restarted` })
  return false
}

function refused(because: string, { switched }: { readonly switched: boolean }): Advanced {
  return { kind: 'bad', because, log: '', switched }
}

function lost({ switched }: { readonly switched: boolean }): Advanced {
  return refused('the deploy lost its lock', { switched })
}

function bad(stepped: Exclude<Stepped, { kind: 'ok' }>): Advanced {
  return stepped.kind === 'failed'
    ? { kind: 'bad', because: stepped.because, log: stepped.log, switched: stepped.switched }
    : { kind: 'bad', because: `unreachable while switching: ${stepped.because}`, log: '', switched: true }
}
