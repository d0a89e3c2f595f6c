import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { whole } from './rig/whole.js'

/** Faults, one scenario after the other: they kill, cut and fill what others would stand on. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    // Shells that CI need not install.
    exclude: ['**/node_modules/**', ...(whole ? [] : ['test/faults/login-shells.test.ts'])],
    reporters: [join(import.meta.dirname, 'rig/reporter.ts')],
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
})
