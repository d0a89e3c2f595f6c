import fc from 'fast-check'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runShell } from '../../src/adapters/shell.js'
import { reservedVariables } from '../../src/config/overrides.js'
import { fromVariables } from '../../src/config/overrides.js'
import { hookVariables, variablesOf } from '../../src/hooks/variables.js'

const none = { point: 'beforeBatch', app: 'api', environment: 'production', hosts: [] } as const

test('what has no value is not set', () => {
  expect(variablesOf(none)).toEqual({
    DELIVER_HOOK: 'beforeBatch',
    DELIVER_APP: 'api',
    DELIVER_ENVIRONMENT: 'production',
  })
})

test('a deliver that a hook starts reads none of them as config', () => {
  const env = Object.fromEntries(hookVariables.map((name) => [name, 'x']))
  expect(fromVariables(env)).toEqual({ overrides: [], problems: [] })
  const names = hookVariables.map((name) => name.replace('DELIVER_', ''))
  expect(names.filter((name) => name !== 'HOST' && !reservedVariables.includes(name))).toEqual([])
})

test('whatever values contain, a command here gets them byte for byte', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'deliver-hook-'))
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .map((each) => each.replaceAll('\0', ''))
  try {
    await fc.assert(
      fc.asyncProperty(text, text, async (because, host) => {
        const variables = variablesOf({ ...none, because, host, hosts: [host] })
        const end = await runShell({
          command: 'printf %s "$DELIVER_BECAUSE" >because; printf %s "$DELIVER_HOST" >host',
          cwd: directory,
          env: { PATH: process.env['PATH'], ...variables },
          timeout: 30_000,
          onLine: () => undefined,
        })
        expect(end).toEqual({ kind: 'exit', code: 0 })
        expect(readFileSync(join(directory, 'because'), 'utf8')).toBe(because)
        expect(readFileSync(join(directory, 'host'), 'utf8')).toBe(host)
      }),
      { numRuns: 60, examples: [[`$(touch x)\n'"\\ \`;&|\r\t`, "-e '\\''"]] },
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})
