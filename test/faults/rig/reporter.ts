import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** One line per scenario with the invariants that it looked at, what went wrong in full, and a closing count. */
export default class ScenarioReporter implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 }

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result()
    if (state === 'pending') return
    this.#counts[state] += 1
    const checked = test.meta().invariants?.join(' ') ?? ''
    const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1)
    process.stdout.write(`${words[state]}  ${test.name}  [${checked}]  ${seconds} s\n`)
    for (const { message, stack } of errors) process.stdout.write(`${stack ?? message}\n`)
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    const broken = [...modules.flatMap((module) => module.errors()), ...unhandled]
    for (const { message } of broken) process.stdout.write(`FAIL  ${message}\n`)
    const { passed, failed, skipped } = this.#counts
    process.stdout.write(`${passed} passed, ${failed + broken.length} failed, ${skipped} skipped\n`)
  }
}

const words = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const
