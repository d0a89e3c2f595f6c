// tally.js REPORT...: a line for each test or file that failed, with the beginning and the end of why; then the sum over vitest's JSON
// reports as `N passed, N failed, N skipped`. Exit 1 when a test failed, or a report is missing, can't be read, or ran no test; these
// are said on stderr and the others still count.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Characters of all reasons together, as far as each has enough to be told at all: where only the end of a log is kept, this is it. */
const room = 2_000
const enough = 200

const sum = { passed: 0, failed: 0, skipped: 0 }
/** @type {{ readonly what: string, readonly why: string }[]} */
const failed = []
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    if (!(report.numPassedTests + report.numFailedTests + report.numPendingTests + report.numTodoTests >= 0))
      throw new Error("not one of vitest's reports")
    sum.passed += report.numPassedTests
    sum.failed += report.numFailedTests
    sum.skipped += report.numPendingTests + report.numTodoTests
    if (!(report.numPassedTests + report.numFailedTests > 0)) throw new Error('no test ran')
    if (report.success !== true) process.exitCode = 1
    failed.push(...failures(report))
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

/** @returns {Generator<{ what: string, why: string }>} tests, and files that didn't come as far as their tests. */
function* failures(report) {
  for (const { name, status, message, assertionResults = [] } of report.testResults ?? []) {
    const tests = assertionResults.filter((test) => test.status === 'failed')
    const file = relative(process.cwd(), name)
    for (const test of tests)
      yield { what: `${file} > ${test.fullName}`, why: reason(test.failureMessages?.[0]) }
    if (tests.length === 0 && status === 'failed') yield { what: file, why: reason(message) }
  }
}

/** On one line, without the stack. */
function reason(message) {
  const lines = stripVTControlCharacters(message ?? '').split('\n')
  return lines
    .filter((line) => !/^\s*at /.test(line))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' | ')
}

/** What a deploy says ends with why; what a property test says begins with its seed. */
function shortened(text, length) {
  if (text.length <= length) return text
  const head = Math.floor(length * 0.4)
  return `${text.slice(0, head)} … ${text.slice(head - length)}`
}

const each = Math.max(enough, Math.floor(room / Math.max(1, failed.length)))
for (const { what, why } of failed) console.log(`FAILED ${what}: ${shortened(why, each)}`)
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`)
