import { defineConfig } from 'vitest/config'

/** Real daemons and hosts: one file at a time, because they share the machine's two cores and its address space. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
  },
})
