import { messageOf } from '../errors.js'
import type { Delta } from '../release/delta.js'
import { codes } from '../remote/answers.js'
import { readResult } from '../remote/readings.js'
import { delta as deltaCall, put } from '../remote/verbs.js'
import type { Base } from './deltas.js'
import { hostState, limits } from './run.js'
import { chooseEncoding, permanent, type Staging, type Tried } from './staging.js'

/** Bases that are compared; each costs the reading of a manifest. */
const mostBases = 3
/** More than this share of a release: sending all of it is as cheap, and one thing less that can be in the way. */
const worthwhile = 0.8
/** A body that is this small goes with the call that uses it, which saves a round trip. */
const smallBody = 4 * 1024 * 1024

interface Chosen {
  readonly base: Base
  readonly delta: Delta
}

/** Sends what a release of the host lacks. `unfit` tells why that can't be. */
export async function stageDelta(staging: Staging, id: string): Promise<Tried> {
  const { run, host, material, facts } = staging
  const chosen = await chooseBase(staging)
  if (typeof chosen === 'string') return { kind: 'unfit', because: chosen }
  const { base, delta } = chosen
  const encoding = chooseEncoding(material.encoding === 'none' ? 'zstd' : material.encoding, facts.tools)
  const body = await material.deltas.body(base, delta, encoding).catch((error: unknown) => messageOf(error))
  if (typeof body === 'string') return { kind: 'unfit', because: body }
  const parts = `${delta.send.size + delta.links.length} of ${delta.entries} entries`
  const size = `${Math.ceil(body.size / 1024)} KiB as ${encoding}`
  hostState(run, host.name, 'staging', `${material.release}, delta on ${base.release}: ${parts}, ${size}`)

  const names = { fence: run.fence, release: material.release, id }
  const payload = {
    stdin: () => body.open(),
    signal: run.stop,
    onSent: (done: number) =>
      run.reporter.event({ type: 'progress', host: host.name, step: 'stage', done, total: body.size }),
  }
  const isSmall = body.size <= smallBody
  if (!isSmall) {
    const call = put({ ...names, name: 'delta', size: body.size, sha256: body.sha256 })
    const limit = { timeout: limits.send, idleTimeout: limits.sendIdle }
    const tried = resultOf(readResult(await host.link.call(call, { ...payload, ...limit })))
    if (tried.kind !== 'staged') return tried
  }
  const call = deltaCall({
    ...names,
    ...{ digest: material.digest, base, body, encoding },
    ...{ shared: run.target.shared, verify: run.target.verify },
  })
  const limit = { timeout: limits.stage, signal: run.stop }
  return resultOf(readResult(await host.link.call(call, isSmall ? { ...payload, ...limit } : limit)))
}

function resultOf(reading: ReturnType<typeof readResult>): Tried {
  if (reading.kind === 'ok') return { kind: 'staged' }
  if (reading.kind === 'unknown') return { kind: 'failed', because: reading.because, final: false }
  if (permanent.has(reading.code)) return { kind: 'failed', because: reading.text, final: true }
  // A transfer that broke is tried again; whatever else is wrong with a delta, the whole release has nothing to do with.
  return reading.code === codes.busy
    ? { kind: 'failed', because: reading.text, final: false }
    : { kind: 'unfit', because: reading.text }
}

/** The release of the host that the fewest bytes lead from, or why there is none. */
async function chooseBase({ run, material, facts }: Staging): Promise<Chosen | string> {
  if (!facts.tools.has('delta')) return "the host's tools can't build from another release"
  const bases = candidates(facts).slice(0, mostBases)
  if (bases.length === 0) return 'the host has no other release'
  let best: Chosen | undefined
  let because = `the store has no manifest of ${bases.map(({ release }) => release).join(', ')}`
  for (const base of bases) {
    const delta = await material.deltas
      .plan(base, run.target.shared)
      .catch((error: unknown) => messageOf(error))
    if (typeof delta === 'string') because = delta
    else if (delta !== undefined && (best === undefined || delta.bytes < best.delta.bytes))
      best = { base, delta }
    if (best !== undefined && best.delta.bytes < material.bytes / 10) break
  }
  if (best === undefined) return because
  if (best.delta.bytes > material.bytes * worthwhile && material.bytes > 0)
    return `nearly everything is new since ${best.base.release}`
  return best
}

/** What runs first, then what ran before, the newest first. */
function candidates({ current, good, releases }: Staging['facts']): readonly Base[] {
  const order = [...(current.kind === 'release' ? [current.release] : []), ...[...good].reverse()]
  const rank = (release: string): number => {
    const at = order.indexOf(release)
    return at < 0 ? order.length : at
  }
  return [...releases].sort((a, b) => rank(a.release) - rank(b.release))
}
