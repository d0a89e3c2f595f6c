import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Faults, one scenario after the other: they kill, cut and fill what others would stand on. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    reporters: [join(import.meta.dirname, 'rig/reporter.ts')],
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
})
