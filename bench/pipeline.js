#!/usr/bin/env node
// Times the commands on a generated app and hosts on this machine. bench/README.md says what the figures mean.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { judge, summarise, tableOf } from './report.js'
import { runRound } from './round.js'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '4000' },
    mb: { type: 'string', default: '60' },
    hosts: { type: 'string', default: '3' },
    repeat: { type: 'string', default: '3' },
    format: { type: 'string', default: 'tar.zst' },
    setup: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
    keep: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
  },
})
const repeat = count('repeat')
const options = {
  files: count('files'),
  bytes: count('mb') * 1e6,
  hosts: count('hosts'),
  format: values.format,
  ...(values.setup === undefined ? {} : { setup: values.setup }),
  ...(values.profile === undefined ? {} : { profile: resolve(values.profile) }),
}
const root = mkdtempSync(join(tmpdir(), 'deliver-bench-'))
const samples = new Map()
let record

try {
  for (let round = 1; round <= repeat; round++) {
    const directory = join(root, `round-${round}`)
    record = await runRound(directory, options, (step, sample) => {
      samples.set(step, [...(samples.get(step) ?? []), sample])
      process.stderr.write(`round ${round} of ${repeat}: ${step} ${sample.seconds.toFixed(2)} s\n`)
    })
    if (!values.keep) rmSync(directory, { recursive: true, force: true })
  }
  const summary = summarise({ options, record, samples })
  console.log(`\n${tableOf(summary)}`)
  if (values.gate && !judge(summary)) process.exitCode = 1
  if (values.json !== undefined) {
    mkdirSync(resolve(values.json, '..'), { recursive: true })
    writeFileSync(values.json, `${JSON.stringify(summary, undefined, 2)}\n`)
  }
} finally {
  if (values.keep) console.log(`left in ${root}`)
  else rmSync(root, { recursive: true, force: true })
}

function count(name) {
  const number = Number(values[name])
  if (Number.isInteger(number) && number > 0) return number
  console.error(`bench: --${name} ${values[name]} is no whole number above 0`)
  process.exit(2)
}
