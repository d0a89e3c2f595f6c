import { messageOf } from '../errors.js'
import { codes } from '../remote/answers.js'
import { readHostFacts, readResult } from '../remote/readings.js'
import { probe, put, stage, type Encoding } from '../remote/verbs.js'
import type { AgentCall } from '../remote/wire.js'
import type { AgentCallOptions } from './agent-client.js'
import type { ReleaseMaterial } from './material.js'
import { hostState, limits, type Run, type RunHost } from './run.js'

export type Staged = { readonly kind: 'staged' } | { readonly kind: 'failed'; readonly because: string }

const attempts = 3
/** Ms before another attempt: a host that is rebooting, or a switch that is flapping, gets a little time. */
const pause = 5_000
/** Seconds: a stage whose line was lost may be under way, and is waited for. */
const stageWait = 900
/** What sending again can't mend. */
const permanent: ReadonlySet<number> = new Set([
  codes.badCall,
  codes.precondition,
  codes.fenced,
  codes.noSpace,
])

/**
 * Brings a release to a host, complete and verified, without touching what runs. An attempt whose end is unknown, or whose
 * bytes arrived broken, is made again under a new scratch name; a connection that was lost is opened again.
 */
export async function stageHost(
  run: Run,
  host: RunHost,
  material: ReleaseMaterial,
  tools: ReadonlySet<string>,
): Promise<Staged> {
  let because = 'nothing was tried'
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (run.stop.aborted) return { kind: 'failed', because: 'interrupted' }
    if (attempt > 1) {
      await run.clock.sleep(pause, run.stop).catch(() => undefined)
      if (await isStaged(run, host, material)) return { kind: 'staged' }
      hostState(run, host.name, 'staging', `again: ${because}`)
    }
    const tried = await tryStage(run, host, material, tools, attempt)
    if (tried.kind === 'staged') return tried
    because = tried.because
    if (tried.final) break
  }
  return { kind: 'failed', because }
}

async function isStaged(run: Run, host: RunHost, material: ReleaseMaterial): Promise<boolean> {
  const reading = readHostFacts(await host.link.call(probe(), { timeout: limits.look, signal: run.stop }))
  if (reading.kind !== 'ok') return false
  return reading.value.releases.some(
    ({ release, digest }) => release === material.release && digest === material.digest,
  )
}

type Tried =
  { readonly kind: 'staged' } | { readonly kind: 'failed'; readonly because: string; readonly final: boolean }

async function tryStage(
  run: Run,
  host: RunHost,
  material: ReleaseMaterial,
  tools: ReadonlySet<string>,
  attempt: number,
): Promise<Tried> {
  const encoding = chooseEncoding(material.encoding, tools)
  const archive = await material.archive(encoding).catch((error: unknown) => messageOf(error))
  if (typeof archive === 'string') return { kind: 'failed', because: archive, final: true }
  const staging = { fence: run.fence, release: material.release, id: `${run.id}-${attempt}` }
  const total = archive.size
  hostState(run, host.name, 'staging', `${material.release}, ${Math.ceil(total / 1024)} KiB as ${encoding}`)
  const steps: readonly [AgentCall, AgentCallOptions][] = [
    [
      put({ ...staging, name: 'listing', size: material.listing.length, sha256: material.digest }),
      { stdin: material.listing, timeout: limits.send, idleTimeout: limits.sendIdle },
    ],
    [
      put({ ...staging, name: 'archive', size: archive.size, sha256: archive.sha256 }),
      {
        stdin: () => archive.open(),
        timeout: limits.send,
        idleTimeout: limits.sendIdle,
        onSent: (done) =>
          run.reporter.event({ type: 'progress', host: host.name, step: 'stage', done, total }),
      },
    ],
  ]
  for (const [call, options] of steps) {
    const reading = readResult(await host.link.call(call, { ...options, signal: run.stop }))
    if (reading.kind === 'unknown') return { kind: 'failed', because: reading.because, final: false }
    if (reading.kind === 'refused')
      return { kind: 'failed', because: reading.text, final: permanent.has(reading.code) }
  }
  const making = { ...staging, digest: material.digest, encoding, shared: run.target.shared }
  const limit = { timeout: limits.stage, signal: run.stop }
  const reading = readResult(await host.link.call(stage(making), limit))
  if (reading.kind === 'ok') return { kind: 'staged' }
  if (reading.kind === 'refused')
    return { kind: 'failed', because: reading.text, final: permanent.has(reading.code) }
  if (run.stop.aborted) return { kind: 'failed', because: 'interrupted', final: true }
  // What was put is there still, so that asking again is cheap; only if it is not, all of it is sent again.
  const again = readResult(await host.link.call(stage({ ...making, lockWait: stageWait }), limit))
  return again.kind === 'ok'
    ? { kind: 'staged' }
    : { kind: 'failed', because: again.kind === 'refused' ? again.text : again.because, final: false }
}

/** The published encoding where the host has the tool for it, else what every host can unpack. */
export function chooseEncoding(published: Encoding, tools: ReadonlySet<string>): Encoding {
  if (published === 'none' || tools.has(published)) return published
  return tools.has('gzip') ? 'gzip' : 'none'
}
