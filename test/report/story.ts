import type { DeliverEvent, HostState } from '../../src/report/events.js'
import { RunModel } from '../../src/report/model/run-model.js'
import { cleanText } from '../../src/report/sanitise.js'

/** Something that happens, so many ms after the start of the run. */
export type Moment = readonly [ms: number, event: DeliverEvent]

export const began = Date.UTC(2024, 4, 1, 10)

/** A run in which all this happened. */
export function modelOf(moments: readonly Moment[], redact = (text: string): string => text): RunModel {
  const model = new RunModel(began, cleanText(redact))
  for (const [ms, event] of moments) model.take(event, began + ms)
  return model
}

export function at(host: string, state: HostState, detail?: string): DeliverEvent {
  return { type: 'host-state', host, state, ...(detail === undefined ? {} : { detail }) }
}

/** The plan of a deploy from v1 to v2 in these batches. */
export function planOf(...batches: readonly (readonly string[])[]): DeliverEvent {
  return {
    type: 'plan',
    kind: 'deploy',
    release: 'v2',
    onFailure: 'rollback',
    batchLimit: 1,
    pause: 0,
    batches,
    hosts: batches.flat().map((host) => ({
      ...{ host, from: 'v1', to: 'v2', because: 'runs v1' },
      stage: 'send',
      act: 'activate',
    })),
    skipped: [],
    bound: { batches: batches.length, batch: 1, switching: 2, stageIdle: null, staging: 0, worst: 3 },
  }
}

/** web1 fails in the first of two batches and goes back; web2 is not touched. */
export const rolledBack: readonly Moment[] = [
  [0, { type: 'run-started', command: 'deploy', version: '1.0.0' }],
  [
    10,
    {
      type: 'config',
      app: 'api',
      environment: 'production',
      settings: [{ path: 'rollout.onFailure', value: 'rollback' }],
    },
  ],
  [100, at('web1', 'connecting')],
  [100, at('web2', 'connecting')],
  [500, planOf(['web1'], ['web2'])],
  [600, { type: 'step-started', step: 'stage', detail: 'on 2 of 2 host(s)' }],
  [600, at('web1', 'staging', 'v2')],
  [600, { type: 'transfer', host: 'web1', release: 'v2', bytes: 4_000_000, encoding: 'zstd', base: 'v1' }],
  [900, { type: 'progress', host: 'web1', step: 'stage', done: 1_000_000, total: 4_000_000 }],
  [1600, { type: 'progress', host: 'web1', step: 'stage', done: 4_000_000, total: 4_000_000 }],
  [2000, at('web1', 'staged')],
  [2000, at('web2', 'staged')],
  [2000, { type: 'step-done', step: 'stage', ms: 1400 }],
  [2100, { type: 'batch-started', batch: 1, of: 2, hosts: ['web1'] }],
  [2100, at('web1', 'activating', 'v1 -> v2')],
  [3000, at('web1', 'settling')],
  [
    3500,
    {
      ...{ type: 'probe', host: 'web1', release: 'v2', ok: false, because: 'answered 500, not 200' },
      ...{ streak: 0, successes: 3, uptime: 0, minUptime: 10_000 },
    },
  ],
  [
    9000,
    { type: 'output', host: 'web1', of: 'service-log', stream: 'stderr', line: 'Error: </pre><script>x' },
  ],
  [9000, at('web1', 'failed', 'not healthy after 6 s: answered 500, not 200')],
  [9100, { type: 'batch-done', batch: 1, of: 2, ms: 7000 }],
  [9100, at('web2', 'skipped', 'not switched, because web1 failed')],
  [9200, at('web1', 'rolling-back', 'not healthy')],
  [9900, { type: 'warning', host: 'web1', text: 'the clock is off' }],
  [11_000, at('web1', 'rolled-back', 'not healthy')],
  [
    11_100,
    {
      ...{ type: 'outcome', host: 'web1', outcome: 'rolled-back', because: 'not healthy' },
      ...{ runs: 'v1', ms: 10_400 },
    },
  ],
  [11_100, { type: 'outcome', host: 'web2', outcome: 'skipped', because: 'not switched', runs: 'v1', ms: 0 }],
  [11_200, { type: 'result', ok: false, code: 5, text: 'v2 failed and was rolled back', fix: 'Look at it.' }],
]
