import type { HostFacts } from '../remote/facts.js'
import type { ReadyDeltas } from './ready-deltas.js'
import type { Run, RunHost } from './run.js'
import { sendDelta } from './stage-delta.js'
import { chooseEncoding, type Tried } from './staging.js'

export interface StagingReady {
  readonly run: Run
  readonly host: RunHost
  readonly facts: Pick<HostFacts, 'tools' | 'current' | 'releases'>
  readonly ready: ReadyDeltas | undefined
}

/** Sends the delta that was made when the release was published, if the host runs what that is from. */
export async function stageReady({ run, host, facts, ready }: StagingReady): Promise<Tried> {
  const unfit = (because: string): Tried => ({ kind: 'unfit', because })
  const { current, tools } = facts
  if (ready === undefined || current.kind !== 'release' || !tools.has('delta')) return unfit('no base')
  const base = facts.releases.find(({ release }) => release === current.release)
  const found = base === undefined ? undefined : await ready.find(base.digest)
  if (base === undefined || found === undefined) return unfit('none is ready')
  const { delta, body, signed } = found
  const { sent, entries } = delta
  const fromReplaced = delta.encoding === 'zstd-patch'
  const encoding = fromReplaced ? 'zstd' : delta.encoding
  if (chooseEncoding(encoding, tools) !== encoding) return unfit(`no ${encoding}`)
  if (fromReplaced && !tools.has('zstd-patch')) return unfit('no zstd --patch-from')
  const { release, manifest } = ready.record
  const digest = manifest.digest
  const sending = { run, host, release, digest, base, body, encoding, fromReplaced, sent, entries, signed }
  return sendDelta(sending, `${run.id}-0`)
}
