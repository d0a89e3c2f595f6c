import { readHostFacts } from '../remote/readings.js'
import { probe } from '../remote/verbs.js'
import { hostState, limits } from './run.js'
import { stageDelta } from './stage-delta.js'
import { stageWhole } from './stage-whole.js'
import type { Staging, Tried } from './staging.js'

export type Staged = { readonly kind: 'staged' } | { readonly kind: 'failed'; readonly because: string }

const attempts = 3
/** Ms before another attempt: a host that is rebooting, or a switch that is flapping, gets a little time. */
const pause = 5_000
/**
 * Brings a release to a host, complete and verified, without touching what runs: from another release that the host has, else
 * whole. An attempt whose end is unknown, or whose bytes arrived broken, is made again under a new scratch name; a
 * connection that was lost is opened again.
 */
export async function stageHost(staging: Staging): Promise<Staged> {
  const { run, host } = staging
  let because = 'nothing was tried'
  let whole: string | undefined
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (run.stop.aborted) return { kind: 'failed', because: 'interrupted' }
    if (attempt > 1) {
      await run.clock.sleep(pause, run.stop).catch(() => undefined)
      if (await isStaged(staging)) return { kind: 'staged' }
      hostState(run, host.name, 'staging', `again: ${because}`)
    }
    const id = `${run.id}-${attempt}`
    let tried: Tried = whole === undefined ? await stageDelta(staging, id) : { kind: 'unfit', because: whole }
    if (tried.kind === 'unfit') {
      whole = tried.because
      tried = await stageWhole(staging, `${id}w`, whole)
    }
    if (tried.kind === 'staged') return tried
    because = tried.because
    if (tried.kind === 'failed' && tried.final) break
  }
  return { kind: 'failed', because }
}

async function isStaged({ run, host, material }: Staging): Promise<boolean> {
  const reading = readHostFacts(await host.link.call(probe(), { timeout: limits.look, signal: run.stop }))
  if (reading.kind !== 'ok') return false
  return reading.value.releases.some(
    ({ release, digest }) => release === material.release && digest === material.digest,
  )
}
