import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../.ci/tally.js', import.meta.url))
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tally-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function tally(...reports: readonly (object | string)[]) {
  const files = reports.map((report, index) => {
    const file = join(directory, `${index}.json`)
    writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report))
    return file
  })
  const { status, stdout } = spawnSync(process.execPath, [program, ...files], { encoding: 'utf8' })
  return { status, stdout }
}

function report(passed: number, failed = 0, skipped = 0, todo = 0) {
  return {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: todo,
    success: failed === 0,
  }
}

test.each([
  { what: 'all green', reports: [report(3), report(4)], status: 0, line: '7 passed, 0 failed\n' },
  { what: 'a failure', reports: [report(3), report(4, 2)], status: 1, line: '7 passed, 2 failed\n' },
  {
    what: 'skipped and todo',
    reports: [report(3, 0, 1, 1)],
    status: 0,
    line: '3 passed, 0 failed, 2 skipped\n',
  },
  { what: 'no test ran', reports: [report(3), report(0)], status: 1, line: '3 passed, 0 failed\n' },
  { what: 'only skipped', reports: [report(0, 0, 5)], status: 1, line: '0 passed, 0 failed, 5 skipped\n' },
  {
    what: 'a file that failed to load',
    reports: [{ ...report(3), success: false }],
    status: 1,
    line: '3 passed, 0 failed\n',
  },
  { what: 'half a report', reports: [report(3), '{"numPassed'], status: 1, line: '3 passed, 0 failed\n' },
  { what: 'a foreign report', reports: [report(3), {}], status: 1, line: '3 passed, 0 failed\n' },
])('$what: $line', ({ reports, status, line }) => {
  expect(tally(...reports)).toEqual({ status, stdout: line })
})

test('a report that was never written is a failure', () => {
  const { status, stdout } = spawnSync(process.execPath, [program, join(directory, 'none.json')], {
    encoding: 'utf8',
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '0 passed, 0 failed\n' })
})

test('a long reason has its beginning and its end, the stack apart, and many have less room each', () => {
  const message = `Plan: deploy v1\n${'web1 staged\n'.repeat(500)}web2 is ill: expected 5 to be 0\n    at file.ts:1\n    at node:1`
  const failing = (tests: number) => ({
    ...report(0, tests),
    testResults: [
      {
        name: join(process.cwd(), 'test/some.test.ts'),
        status: 'failed',
        assertionResults: Array.from({ length: tests }, (_, number) => ({
          fullName: `test ${number}`,
          status: 'failed',
          failureMessages: [message],
        })),
      },
    ],
  })
  const lengths = [1, 4, 100].map((tests) => {
    const lines = tally(failing(tests)).stdout.trim().split('\n')
    expect(lines).toHaveLength(tests + 1)
    expect(lines[0]).toMatch(
      /^FAILED test\/some\.test\.ts > test 0: Plan: deploy v1 \| .* … .* \| web2 is ill: expected 5 to be 0$/,
    )
    return Math.round((lines[0]?.length ?? 0) / 100)
  })
  expect(lengths).toEqual([20, 5, 2])
})

test('what failed has a line, and so has a file that did not come as far as its tests', () => {
  const failed = {
    ...report(1, 1),
    testResults: [
      {
        name: join(process.cwd(), 'test/some.test.ts'),
        status: 'failed',
        assertionResults: [
          { fullName: 'goes well', status: 'passed' },
          {
            fullName: 'goes wrong',
            status: 'failed',
            failureMessages: ['\u001B[31mno such host\u001B[39m\n at x'],
          },
        ],
      },
      {
        name: join(process.cwd(), 'test/other.test.ts'),
        status: 'failed',
        message: 'no such module',
        assertionResults: [],
      },
      { name: join(process.cwd(), 'test/good.test.ts'), status: 'passed', assertionResults: [] },
    ],
  }
  expect(tally(failed)).toEqual({
    status: 1,
    stdout:
      'FAILED test/some.test.ts > goes wrong: no such host\n' +
      'FAILED test/other.test.ts: no such module\n' +
      '1 passed, 1 failed\n',
  })
})
