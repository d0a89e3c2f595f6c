import { defineConfig } from 'vitest/config'

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
  },
})
