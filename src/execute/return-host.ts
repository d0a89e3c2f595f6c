import type { Member } from './fleet-watch.js'
import type { Run } from './run.js'
import { settle } from './settle.js'
import { activateHost, confirmSwitch, revertSwitch, withdrawSwitch, type Stepped } from './switch.js'

/**
 * Brings a host to what it ran before this run, from wherever it is now: a switch on trial is reverted, one that was
 * confirmed already is undone by a switch of its own, and a host that went back by itself is left alone.
 */
export async function returnHost(run: Run, member: Member): Promise<Stepped> {
  const { probed, step } = member
  const reading = await withdrawSwitch(run, probed.host, step.to)
  if (reading.kind === 'unknown') return { kind: 'unknown', because: 'it is out of reach' }
  if (reading.kind === 'refused')
    return { kind: 'failed', because: reading.text, log: reading.log, switched: true }
  const { current, unconfirmed } = reading.value
  if (unconfirmed?.id === run.id) return revertSwitch(run, probed.host)
  const runs = current.kind === 'release' ? current.release : null
  if (runs === step.from) return { kind: 'ok' }
  if (runs === step.to && step.from !== null) return undoConfirmed(run, member, step.from)
  const because = `it runs ${runs ?? 'nothing'}, which is neither ${step.to} nor ${step.from ?? 'nothing'}`
  return { kind: 'failed', because, log: '', switched: true }
}

/** As any switch, so that the host goes on to a release that proved healthy; `bad` keeps it from being chosen again. */
async function undoConfirmed(run: Run, { probed, step }: Member, previous: string): Promise<Stepped> {
  const digest = probed.view.staged.get(previous)
  if (digest === undefined) {
    const because = `${previous}, to go back to, is not complete on this host`
    return { kind: 'failed', because, log: '', switched: true }
  }
  const activated = await activateHost(run, probed.host, { release: previous, digest })
  if (activated.kind !== 'ok') return activated
  const settled = await settle(run, probed.host, previous)
  if (settled.kind === 'unhealthy')
    return {
      kind: 'failed',
      because: `${previous}: ${settled.because}`,
      log: settled.log,
      switched: true,
    }
  const via = probed.view.via ?? 'deploy'
  return confirmSwitch(run, probed.host, previous, { via, markBad: step.to })
}
