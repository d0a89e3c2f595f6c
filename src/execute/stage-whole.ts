import { messageOf } from '../errors.js'
import { readResult } from '../remote/readings.js'
import { put, stage } from '../remote/verbs.js'
import type { AgentCall } from '../remote/wire.js'
import type { AgentCallOptions } from './agent-client.js'
import { beyond, hostState, limits, linkedPaths, sending } from './run.js'
import { chooseEncoding, permanent, type Staging, type Tried } from './staging.js'

/** Seconds: a stage whose line was lost may be under way, and is waited for. */
const stageWait = 900

/** Sends the archive. `why`: for people, why not less. */
export async function stageWhole(
  { run, host, material, facts }: Staging,
  id: string,
  why: string,
): Promise<Tried> {
  const encoding = chooseEncoding(material.encoding, facts.tools)
  const archive = await material.archive(encoding).catch((error: unknown) => messageOf(error))
  if (typeof archive === 'string') return { kind: 'failed', because: archive, final: true }
  const staging = { fence: run.fence, release: material.release, id }
  const onHost = { limit: limits.send, idle: limits.sendIdle }
  const total = archive.size
  const size = `${Math.ceil(total / 1024)} KiB as ${encoding}`
  hostState(run, host.name, 'staging', `${material.release}, ${size}, whole: ${why}`)
  run.reporter.event({
    type: 'transfer',
    host: host.name,
    release: material.release,
    bytes: total,
    encoding,
  })
  const steps: readonly [AgentCall, AgentCallOptions][] = [
    [
      put({ ...staging, ...onHost, name: 'listing', size: material.listing.length, sha256: material.digest }),
      { stdin: material.listing, ...sending },
    ],
    [
      put({ ...staging, ...onHost, name: 'archive', size: archive.size, sha256: archive.sha256 }),
      {
        stdin: () => archive.open(),
        ...sending,
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
  const what = { digest: material.digest, encoding, ...linkedPaths(run.target), signed: material.signed }
  const making = { ...staging, limit: limits.stage, ...what }
  const limit = { timeout: beyond(limits.stage), signal: run.stop }
  const reading = readResult(await host.link.call(stage(making), limit))
  if (reading.kind === 'ok') return { kind: 'staged' }
  if (reading.kind === 'refused')
    return { kind: 'failed', because: reading.text, final: permanent.has(reading.code) }
  if (run.stop.aborted) return { kind: 'failed', because: 'interrupted', final: true }
  // What was put is there still, so that asking again is cheap; only if it is not, all of it is sent again.
  const patient = { ...limit, timeout: limit.timeout + stageWait * 1000 }
  const again = readResult(await host.link.call(stage({ ...making, lockWait: stageWait }), patient))
  return again.kind === 'ok'
    ? { kind: 'staged' }
    : { kind: 'failed', because: again.kind === 'refused' ? again.text : again.because, final: false }
}
