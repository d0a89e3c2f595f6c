import type { DeliverEvent } from '../../src/report/events.js'

type Of<T extends DeliverEvent['type']> = Extract<DeliverEvent, { type: T }>

/** One of each, with every field that it can have. Compiles only if none is missing. */
export const examples: { readonly [T in DeliverEvent['type']]: Required<Of<T>> } = {
  'run-started': { type: 'run-started', command: 'deploy', version: '1.0.0' },
  config: {
    type: 'config',
    app: 'api',
    environment: 'production',
    settings: [{ path: 'rollout.onFailure', value: 'rollback' }],
  },
  note: { type: 'note', host: 'web1', text: 'removed v1: old' },
  warning: { type: 'warning', host: 'web1', text: 'the clock is off' },
  output: { type: 'output', host: 'web1', of: 'service-log', stream: 'stderr', line: 'Error: port in use' },
  'host-lines': { type: 'host-lines', host: 'web1', title: 'exit 0', lines: ['up 3 days'] },
  'step-started': { type: 'step-started', step: 'stage', detail: 'on 2 of 3 host(s)' },
  'step-done': { type: 'step-done', step: 'stage', detail: 'failed on 1 host(s)', ms: 1500 },
  plan: {
    type: 'plan',
    kind: 'deploy',
    release: 'v2',
    onFailure: 'rollback',
    batchLimit: 1,
    pause: 0,
    batches: [['web1'], ['web2']],
    hosts: [
      { host: 'web1', from: 'v1', to: 'v2', stage: 'send', act: 'activate', because: 'runs v1' },
      { host: 'web2', from: null, to: 'v2', stage: 'present', act: 'activate', because: 'runs nothing yet' },
    ],
    skipped: [{ host: 'web3', because: 'runs v2', runs: 'v2' }],
    bound: { batches: 2, batch: 60_000, switching: 120_000, stageIdle: 60_000, staging: 1e7, worst: 9e5 },
  },
  transfer: { type: 'transfer', host: 'web1', release: 'v2', bytes: 1000, encoding: 'zstd', base: 'v1' },
  progress: { type: 'progress', host: 'web1', step: 'stage', done: 400, total: 1000 },
  'host-state': { type: 'host-state', host: 'web1', state: 'failed', detail: 'no answer' },
  'batch-started': { type: 'batch-started', batch: 1, of: 2, hosts: ['web1'] },
  'batch-done': { type: 'batch-done', batch: 1, of: 2, ms: 4000 },
  probe: {
    type: 'probe',
    host: 'web1',
    release: 'v2',
    ok: false,
    because: 'answered 500, not 200',
    streak: 0,
    successes: 3,
    uptime: 0,
    minUptime: 10_000,
  },
  outcome: { type: 'outcome', host: 'web1', outcome: 'rolled-back', because: 'no', runs: 'v1', ms: 9000 },
  table: {
    type: 'table',
    title: 'Hosts',
    columns: ['host'],
    rows: [[{ text: 'web1', tone: 'strong' }]],
  },
  findings: {
    type: 'findings',
    findings: [{ level: 'problem', area: 'ssh', host: 'web1', text: 'no key', fix: 'Add one.' }],
  },
  result: { type: 'result', ok: false, code: 5, text: 'rolled back', fix: 'Look.', data: { release: 'v2' } },
}
