import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { startFirst } from './test/start-first.js'

/** Rooms whose tests leave nothing behind in their process: files of these share it, which saves loading everything for each. */
const pure = 'test/{check,config,iam,plan,release,report,secrets,store}/**/*.test.ts'
/** With DELIVER_LONG=1 alone, for the time that they take. */
const long = process.env['DELIVER_LONG'] === '1' ? [] : ['test/e2e/{hostile-names,secret-sinks}.test.ts']
const elsewhere = ['test/integration/**', 'test/faults/**', '**/node_modules/**', ...long]

export default defineConfig({
  test: {
    // Most of these tests wait for processes, so that a worker for each core would leave the cores idle.
    maxWorkers: availableParallelism() * 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    sequence: {
      sequencer: startFirst([
        'remote/agent/limits.test.ts',
        'examples/ci.test.ts',
        'boot/program.test.ts',
        'remote/agent/switch.test.ts',
        'remote/agent/crash.test.ts',
        'e2e/notify.test.ts',
        'build/archive-parts.test.ts',
        'docs/getting-started.test.ts',
        'e2e/interrupt.test.ts',
      ]),
    },
    projects: [
      { extends: true, test: { name: 'pure', include: [pure], exclude: elsewhere, isolate: false } },
      {
        extends: true,
        test: { name: 'real', include: ['test/**/*.test.ts'], exclude: [pure, ...elsewhere] },
      },
    ],
  },
})
