import { defineConfig } from 'vitest/config'

/** Real daemons and hosts: three files at a time: they wait more than they work. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    maxWorkers: 3,
    testTimeout: 480_000,
    hookTimeout: 600_000,
  },
})
