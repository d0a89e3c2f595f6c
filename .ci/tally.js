// tally.js REPORT...: a line for each test or file that failed, with the first line of why; then the sum over vitest's JSON reports as
// `N passed, N failed, N skipped`. Exit 1 when a test failed, or a report is missing, can't be read, or ran no test; these are said on
// stderr and the others still count.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const sum = { passed: 0, failed: 0, skipped: 0 }
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
    for (const line of failures(report)) console.log(line)
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}

/** @returns {Generator<string>} `FAILED file > name: first line of the message`, and files that didn't come as far as their tests. */
function* failures(report) {
  for (const { name, status, message, assertionResults = [] } of report.testResults ?? []) {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    const file = relative(process.cwd(), name)
    for (const test of failed) yield said(`${file} > ${test.fullName}`, test.failureMessages?.[0])
    if (failed.length === 0 && status === 'failed') yield said(file, message)
  }
}

function said(what, message) {
  const [line] = stripVTControlCharacters(message ?? '')
    .trim()
    .split('\n')
  return `FAILED ${what}: ${line.slice(0, 300)}`
}

const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`)
