import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { releaseRecordKey } from '../../src/store/layout.js'
import { scratchDirectory } from '../sandbox/scratch.js'
import { personAt, type Person } from './shell.js'

/** The real scripts in the real shells, pressing the real key. */

const program = fileURLToPath(new URL('../../bin/deliver.js', import.meta.url))
let cwd: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  cwd = await scratchDirectory()
  const bin = join(cwd, 'bin')
  mkdirSync(bin)
  symlinkSync(program, join(bin, 'deliver'))
  const config = {
    app: 'api',
    store: { directory: 'store' },
    fleet: { hosts: ['web1', 'web2', 'db1'] },
    target: { path: '/srv/api' },
    environments: { staging: { fleet: { hosts: ['stage1'] } } },
  }
  writeFileSync(join(cwd, 'deliver.config.json'), JSON.stringify(config))
  for (const release of ['v1.0', 'w2.0']) {
    const file = join(cwd, 'store', releaseRecordKey('api', release))
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, '{}')
  }
  env = {
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    HOME: cwd,
    TERM: 'xterm',
    LANG: 'C.UTF-8',
    COLUMNS: '200',
  }
})

/** What is written, and what the shell makes of it when there is one way to go on. */
const lines = [
  ['deliver rollb', 'deliver rollback '],
  ['deliver deploy --dry', 'deliver deploy --dry-run '],
  ['deliver deploy v', 'deliver deploy v1.0 '],
  ['deliver rollback --hosts d', 'deliver rollback --hosts db1 '],
  ['deliver rollback --hosts web1,d', 'deliver rollback --hosts web1,db1 '],
  ['deliver rollback --strategy=r', 'deliver rollback --strategy=rolling '],
  ['deliver -e s', 'deliver -e staging '],
  ['deliver -e staging ssh s', 'deliver -e staging ssh stage1 '],
  ['deliver --config deliver.c', 'deliver --config deliver.config.json '],
  ['deliver completion f', 'deliver completion fish '],
] as const

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0

describe.skipIf(!has('bash') || !has('script'))('bash', { timeout: 60_000 }, () => {
  let person: Person
  beforeAll(async () => {
    const start = ['PS1="> "', 'source <(deliver completion bash)']
    person = await personAt('bash --norc --noprofile -i', { cwd, env, start })
  }, 60_000)
  afterAll(() => person.leave())

  test.each(lines)('%s', async (typed, line) => {
    expect(await person.completed(typed)).toBe(line)
  })
})

describe.skipIf(!has('zsh') || !has('script'))('zsh', { timeout: 60_000 }, () => {
  let person: Person
  beforeAll(async () => {
    const start = [
      'unsetopt zle_bracketed_paste PROMPT_SP; PS1="> "; bindkey -e',
      'autoload -U compinit; compinit -u -D',
      'source <(deliver completion zsh)',
    ]
    person = await personAt('zsh -f -i', { cwd, env, start })
  }, 60_000)
  afterAll(() => person.leave())

  test.each(lines)('%s', async (typed, line) => {
    // zsh takes its space away again when the next key is no letter.
    expect(await person.completed(typed)).toBe(line.trimEnd())
  })
})

describe.skipIf(!has('fish'))('fish', { timeout: 60_000 }, () => {
  test.each(lines)('%s', (typed, line) => {
    const script = 'deliver completion fish | source; complete -C $argv[1]'
    const found = execFileSync('fish', ['--no-config', '-c', script, typed], { cwd, env, encoding: 'utf8' })
    const word = line.trim().split(' ').at(-1)
    expect(
      found
        .trim()
        .split('\n')
        .map((each) => each.split('\t')[0]),
    ).toEqual([word])
  })
})
