import { codes } from '../remote/answers.js'
import { readHostFacts, readResult } from '../remote/readings.js'
import { probe, put, stage, type Encoding } from '../remote/verbs.js'
import type { AgentCall } from '../remote/wire.js'
import type { AgentCallOptions } from './agent-client.js'
import type { ReleaseMaterial } from './material.js'
import { hostState, limits, type Run, type RunHost } from './run.js'

export type Staged = { readonly kind: 'staged' } | { readonly kind: 'failed'; readonly because: string }

const attempts = 3
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
  const archive = await material.archive(encoding)
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
    [
      stage({ ...staging, digest: material.digest, encoding, shared: run.target.shared }),
      { timeout: limits.stage },
    ],
  ]
  for (const [call, options] of steps) {
    const reading = readResult(await host.link.call(call, { ...options, signal: run.stop }))
    if (reading.kind === 'unknown') return { kind: 'failed', because: reading.because, final: false }
    if (reading.kind === 'refused')
      return { kind: 'failed', because: reading.text, final: permanent.has(reading.code) }
  }
  return { kind: 'staged' }
}

/** The published encoding where the host has the tool for it, else what every host can unpack. */
export function chooseEncoding(published: Encoding, tools: ReadonlySet<string>): Encoding {
  if (published === 'none' || tools.has(published)) return published
  return tools.has('gzip') ? 'gzip' : 'none'
}
