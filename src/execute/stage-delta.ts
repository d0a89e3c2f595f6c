import { messageOf } from '../errors.js'
import { codes } from '../remote/answers.js'
import { readResult } from '../remote/readings.js'
import { delta as deltaCall, put } from '../remote/verbs.js'
import { chooseBase } from './choose-base.js'
import type { Encoding, Signed } from '../remote/verbs.js'
import type { Base, DeltaBody } from './deltas.js'
import {
  beyond,
  hostState,
  limits,
  linkedPaths,
  outsidePaths,
  sending,
  type Run,
  type RunHost,
} from './run.js'
import { chooseEncoding, permanent, type Staging, type Tried } from './staging.js'

/** A body that is this small goes with the call that uses it, which saves a round trip. */
export const smallBody = 4 * 1024 * 1024

/** Sends what a release of the host lacks. `unfit` tells why that can't be. */
export async function stageDelta(staging: Staging, id: string): Promise<Tried> {
  const { run, host, material, facts } = staging
  const chosen = await chooseBase(facts, material.deltas.plans, outsidePaths(run.target))
  if (typeof chosen === 'string') return { kind: 'unfit', because: chosen }
  const { base, delta } = chosen
  const encoding = chooseEncoding(material.encoding === 'none' ? 'zstd' : material.encoding, facts.tools)
  const body = await material.deltas.body(base, delta, encoding).catch((error: unknown) => messageOf(error))
  if (typeof body === 'string') return { kind: 'unfit', because: body }
  const sent = delta.send.size + delta.links.length
  const { release, digest } = material
  const { entries } = delta
  const { signed } = material
  const how = { encoding, fromReplaced: false }
  return sendDelta({ run, host, release, digest, base, body, ...how, sent, entries, signed }, id)
}

/** A delta that is made, and what it is of. */
export interface Sending {
  readonly run: Run
  readonly host: RunHost
  readonly release: string
  /** Of the release's listing. */
  readonly digest: string
  readonly base: Base
  readonly body: DeltaBody
  readonly encoding: Encoding
  /** The tar is told as differences from files of the base. */
  readonly fromReplaced: boolean
  /** Entries that the base lacks, of all. */
  readonly sent: number
  readonly entries: number
  readonly signed: Signed | undefined
}

export async function sendDelta(wanted: Sending, id: string): Promise<Tried> {
  const { run, host, release, base, body, encoding, fromReplaced } = wanted
  const parts = `${wanted.sent} of ${wanted.entries} entries`
  const size = `${Math.ceil(body.size / 1024)} KiB as ${encoding}${fromReplaced ? ' patch' : ''}`
  hostState(run, host.name, 'staging', `${release}, delta on ${base.release}: ${parts}, ${size}`)
  run.reporter.event({
    type: 'transfer',
    host: host.name,
    release,
    bytes: body.size,
    encoding,
    base: base.release,
  })

  const names = { fence: run.fence, release, id }
  const idle = limits.sendIdle
  const payload = {
    stdin: () => body.open(),
    signal: run.stop,
    onSent: (done: number) =>
      run.reporter.event({ type: 'progress', host: host.name, step: 'stage', done, total: body.size }),
  }
  const isSmall = body.size <= smallBody
  if (!isSmall) {
    const call = put({
      ...names,
      limit: limits.send,
      idle,
      name: 'delta',
      size: body.size,
      sha256: body.sha256,
    })
    const tried = resultOf(readResult(await host.link.call(call, { ...payload, ...sending })))
    if (tried.kind !== 'staged') return tried
  }
  const call = deltaCall({
    ...names,
    ...{ limit: limits.stage, idle },
    ...{ digest: wanted.digest, base, body, encoding, fromReplaced },
    ...linkedPaths(run.target),
    signed: wanted.signed,
    verify: run.target.verify,
  })
  const limit = { timeout: beyond(limits.stage), signal: run.stop }
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
