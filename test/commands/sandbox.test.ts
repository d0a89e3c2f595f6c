import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { removeAll } from '../fakes/remove.js'

const directory = mkdtempSync(join(tmpdir(), 'sandbox-write-'))
const program = fileURLToPath(new URL('../../bin/deliver.js', import.meta.url))
afterAll(() => removeAll(directory))

test.each(['deliver.config.json', 'config', '.deliverrc.yaml'])(
  'a config of its hosts is a module: %s is refused before anything starts',
  (name) => {
    const args = [program, '--plain', 'sandbox', '--dir', join(directory, 'hosts'), '--write', name]
    const { status, stderr, stdout } = spawnSync(process.execPath, args, {
      cwd: directory,
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect(status).toBe(2)
    expect(stdout + stderr).toContain(`--write: "${name}" is not the name of a module`)
    expect(stdout + stderr).toContain('--write deliver.config.ts')
    expect([name, 'hosts'].filter((each) => existsSync(join(directory, each)))).toEqual([])
  },
)
