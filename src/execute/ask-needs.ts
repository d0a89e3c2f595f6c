import type { HostUse } from '../plan/prune-store.js'
import { readStatus } from '../remote/readings.js'
import { status } from '../remote/look-verbs.js'
import { limits, type Run, type RunHost } from './run.js'

/** Which releases a host needs: what it runs, what is on trial, and what it would go back to. Never rejects. */
export async function askNeeds(run: Run, { name, link }: RunHost): Promise<HostUse> {
  const { service } = run.config
  const call = status(service === undefined ? {} : { service })
  const reading = readStatus(await link.call(call, { timeout: limits.look, signal: run.stop }))
  if (reading.kind === 'refused') return { host: name, kind: 'silent', because: reading.text }
  if (reading.kind === 'unknown') return { host: name, kind: 'silent', because: reading.because }
  const { current, unconfirmed, previousGood, service: process } = reading.value
  const needs = [
    { release: current.kind === 'release' ? current.release : undefined, because: `${name} runs it` },
    { release: process.release, because: `a process of ${name} runs it` },
    { release: unconfirmed?.previous, because: `${name} may go back to it` },
    { release: previousGood, because: `${name} may go back to it` },
  ]
  return {
    host: name,
    kind: 'told',
    needs: needs.flatMap(({ release, because }) => (release === undefined ? [] : [{ release, because }])),
  }
}
