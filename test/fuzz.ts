/**
 * DELIVER_FUZZ=SECONDS gives each property of a test that long instead of a number of cases: `npm run fuzz`. A failure prints its
 * seed and the smallest case.
 */
import fc from 'fast-check'

const seconds = Number(process.env['DELIVER_FUZZ'] ?? 0)
if (seconds > 0)
  fc.configureGlobal({
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1000,
    markInterruptAsFailure: false,
  })
