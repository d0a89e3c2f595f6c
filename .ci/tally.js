// tally.js REPORT...: the sum over vitest's JSON reports as `N passed, N failed, N skipped`. Exit 1 when a report is missing,
// can't be read, or ran no test; these are said on stderr and the others still count.
import { readFileSync } from 'node:fs'

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
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
console.log(`${sum.passed} passed, ${sum.failed} failed${skipped}`)
