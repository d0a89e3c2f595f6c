import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDirectoryStore } from '../../src/adapters/directory-store.js'
import { readHolder } from '../../src/store/lock.js'
import { runTypeScript, startTypeScript } from '../fixtures/run-typescript.js'

let base: string
let directory: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'deliver-lease-'))
  directory = join(base, 'store')
})
afterEach(async () => {
  await rm(base, { recursive: true, force: true })
})

async function firstLine(child: ReturnType<typeof startTypeScript>): Promise<unknown> {
  return (await createInterface(child.stdout)[Symbol.asyncIterator]().next()).value
}

it(
  'lets one of 50 processes proceed, and tells the others that it is locked',
  { timeout: 180_000 },
  async () => {
    const children = Array.from({ length: 50 }, () =>
      startTypeScript('hold-lease.ts', [directory, '600000', '600000']),
    )
    try {
      const answers = await Promise.all(children.map(firstLine))
      expect(answers.filter((answer) => answer === 'held 1')).toHaveLength(1)
      expect(answers.filter((answer) => answer === 'locked')).toHaveLength(49)
    } finally {
      for (const child of children) child.kill('SIGKILL')
    }
  },
)

it('never has two holders when six processes wait for each other', { timeout: 180_000 }, async () => {
  const journal = join(base, 'journal')
  const results = await Promise.all(
    Array.from({ length: 6 }, () =>
      runTypeScript('hold-lease.ts', [directory, '600000', '60', '120000', journal]),
    ),
  )
  const fences = results.map(({ stdout }) => stdout.split('\n')[0]).sort()
  expect(fences).toEqual([1, 2, 3, 4, 5, 6].map((fence) => `held ${fence}`))
  const events = (await readFile(journal, 'utf8')).trim().split('\n')
  expect(events).toHaveLength(12)
  for (let i = 0; i < events.length; i += 2) {
    const [entered = '', left = ''] = events.slice(i, i + 2)
    expect(entered.startsWith('in ')).toBe(true)
    expect(left).toBe(entered.replace('in', 'out'))
  }
})

it('stops a process that was suspended while another took over', { timeout: 60_000 }, async () => {
  const old = startTypeScript('hold-lease.ts', [directory, '1500', '60000'])
  const lines = createInterface(old.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => (await lines.next()).value
  try {
    expect(await next()).toBe('held 1')
    expect(await next()).toBe('yes')
    old.kill('SIGSTOP')
    const taker = startTypeScript('hold-lease.ts', [directory, '600000', '60000', '30000'])
    try {
      const taken = createInterface(taker.stdout)[Symbol.asyncIterator]()
      expect((await taken.next()).value).toBe('held 2')
      old.kill('SIGCONT')
      const rest: unknown[] = []
      for (let line = await next(); line !== undefined; line = await next()) rest.push(line)
      // What it had said before it was stopped, and then no.
      expect(rest.at(-1)).toBe('no')
      expect(rest.filter((line) => line === 'no')).toHaveLength(1)
      const holder = await readHolder(createDirectoryStore({ directory }), 'api', 'prod')
      expect(holder).toMatchObject({ fence: 2, pid: taker.pid })
    } finally {
      taker.kill('SIGKILL')
    }
  } finally {
    old.kill('SIGKILL')
  }
})

it('is free again when its holder was killed, once the time is over', { timeout: 60_000 }, async () => {
  const dead = startTypeScript('hold-lease.ts', [directory, '1000', '60000'])
  expect(await firstLine(dead)).toBe('held 1')
  dead.kill('SIGKILL')
  const { stdout } = await runTypeScript('hold-lease.ts', [directory, '600000', '0', '30000'])
  expect(stdout).toBe('held 2\n')
})
