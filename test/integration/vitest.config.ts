import { defineConfig } from 'vitest/config'
import { startFirst } from '../start-first.js'

/** With DELIVER_LONG=1 alone: variants of what the others show, and tests of the rig itself. */
const long = [
  'inspect',
  'large-app',
  'boot-presigned',
  'boot-awscli',
  'autoscaling/after-pointer',
  'autoscaling/load-balancers-deploy',
]
const left = process.env['DELIVER_LONG'] === '1' ? [] : long.map((name) => `test/integration/${name}.test.ts`)

/** Real daemons and hosts, four files at a time: they wait more than they work. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...left],
    maxWorkers: 4,
    testTimeout: 480_000,
    hookTimeout: 600_000,
    sequence: {
      sequencer: startFirst([
        'autoscaling/deploy.test.ts',
        'interrupted-deploy.test.ts',
        'failed-deploy.test.ts',
        'integration/deploy.test.ts',
        'autoscaling/standby-deploy.test.ts',
        'autoscaling/target-groups-deploy.test.ts',
        'loopback-deploy.test.ts',
        'health.test.ts',
        's3/ship.test.ts',
        'boot.test.ts',
      ]),
    },
  },
})
