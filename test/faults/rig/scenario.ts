import { test, type TestContext } from 'vitest'

/** One of the promises of docs/reliability.md. */
export type Invariant = keyof typeof invariants

/** What must hold whatever happens; the numbers are those of docs/reliability.md. */
export const invariants = {
  I1: '`current` is absent or names a complete, verified release',
  I3: 'bytes are verified on the machine that uses them',
  I4: 'the pointer names a release that settled',
  I6: 'one deploy at a time has effects',
  I8: 'a deploy that vanishes leaves hosts whole, and nothing running',
  I9: 'the same command again ends where an undisturbed run ends',
  I10: 'no false success, no false failure',
  I11: 'there is something to go back to',
  I12: 'memory, files and processes are bounded',
} as const

declare module 'vitest' {
  interface TaskMeta {
    invariants?: readonly Invariant[]
  }
}

/** A test whose line in the report names the invariants that were looked at. */
export function scenario(
  title: string,
  checked: readonly Invariant[],
  run: (context: TestContext) => Promise<void>,
  timeout = 600_000,
): void {
  test(title, { timeout }, async (context) => {
    context.task.meta.invariants = checked
    await run(context)
  })
}
