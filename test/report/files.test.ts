import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createReporter } from '../../src/report/reporter.js'
import { scratchDirectory } from '../sandbox/scratch.js'
import { Collected } from './collected.js'
import { rolledBack } from './story.js'

let directory: string
let stdout: Collected
beforeEach(async () => {
  directory = await scratchDirectory()
  stdout = new Collected()
})

const open = (files: { readonly junit?: string; readonly report?: string }) =>
  createReporter({
    ...{ mode: 'plain', stdout, stderr: stdout, colour: false, verbose: false, quiet: false, ...files },
  })

const events = rolledBack.map(([, event]) => event)

test('both are written when the result is known, in directories that are made', async () => {
  const [junit, report] = [join(directory, 'a/b/junit.xml'), join(directory, 'report.html')]
  const reporter = await open({ junit, report })
  for (const event of events) reporter.event(event)
  expect(readFileSync(junit, 'utf8')).toContain('<testsuites')
  expect(readFileSync(report, 'utf8')).toContain('</html>')
  expect(readdirSync(join(directory, 'a/b'))).toEqual(['junit.xml'])
  await reporter.close()
})

test('an older file is replaced as a whole', async () => {
  const junit = join(directory, 'junit.xml')
  writeFileSync(junit, 'x'.repeat(100_000))
  const reporter = await open({ junit })
  for (const event of events.slice(0, -1)) reporter.event(event)
  expect(readFileSync(junit, 'utf8')).toMatch(/^x+$/)
  for (const event of events.slice(-1)) reporter.event(event)
  expect(readFileSync(junit, 'utf8')).toMatch(/^<\?xml[^x]/)
})

describe('a process that is about to end', () => {
  test('writes what it knows, as a failure', async () => {
    const report = join(directory, 'report.html')
    const reporter = await open({ report })
    for (const event of events.slice(0, 15)) reporter.event(event)
    reporter.abandon?.(130)
    expect(readFileSync(report, 'utf8')).toMatch(/interrupted[^]*stopped at once/)
  })

  test('leaves a file alone that is written already', async () => {
    const report = join(directory, 'report.html')
    const reporter = await open({ report })
    for (const event of events) reporter.event(event)
    reporter.abandon?.(130)
    expect(readFileSync(report, 'utf8')).not.toContain('stopped at once')
  })
})

test('a file that cannot be written is a warning before the result, and the other is written', async () => {
  const [junit, report] = [join(directory, 'there'), join(directory, 'report.html')]
  mkdirSync(junit)
  const reporter = await open({ junit, report })
  for (const event of events) reporter.event(event)
  await reporter.close()
  expect(stdout.text).toMatch(/warning: .*there was not written[^]*v2 failed and was rolled back/)
  expect(readFileSync(report, 'utf8')).toContain('</html>')
  expect(readdirSync(directory).sort()).toEqual(['report.html', 'there'])
})
