import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const directory = fileURLToPath(new URL('../../src/remote/agent/', import.meta.url))
/** The last part that calls of these verbs have read when they run: what is defined later isn't there for them. */
const looks = {
  upTo: '16-looked.sh',
  from: ['service', 'status', 'logs', 'journal'].map((verb) => `do_${verb}`),
}
const supervisors = { upTo: '19-supervise.sh', from: ['supervise'] }
/** Of calls that have the host's lock, which these have not. */
const underLock = new Set(['journal_line', 'release_lock'])

interface Defined {
  readonly part: string
  readonly uses: ReadonlySet<string>
}

function readFunctions(): ReadonlyMap<string, Defined> {
  const found = new Map<string, Defined>()
  for (const part of readdirSync(directory)) {
    const text = readFileSync(`${directory}${part}`, 'utf8')
    for (const [, name = '', body = ''] of text.matchAll(/^([a-z_]+)\(\) \{\n(.*?)^\}$/gms))
      found.set(name, { part, uses: new Set(body.replace(/(^|\s)#.*/g, '').match(/[a-z_]+/g)) })
  }
  return found
}

function usedBy({ upTo, from }: typeof looks): { readonly seen: number; readonly late: readonly string[] } {
  const functions = readFunctions()
  const seen = new Set<string>()
  const late: string[] = []
  const visit = (name: string, by: string): void => {
    const one = functions.get(name)
    if (one === undefined || seen.has(name) || underLock.has(name)) return
    seen.add(name)
    if (one.part > upTo) late.push(`${by} -> ${name} in ${one.part}`)
    for (const used of one.uses) visit(used, name)
  }
  // read_call itself has variables by the names of functions.
  for (const name of [...from, 'is_variable', 'bad_call', 'clean_up', 'need_number']) visit(name, 'the call')
  return { seen: seen.size, late }
}

test('a call that only looks uses nothing of the agent that a shell has not read by then', () => {
  const { seen, late } = usedBy(looks)
  expect(seen).toBeGreaterThan(40)
  expect(late).toEqual([])
})

test('nor does one that watches over another that works', () => {
  const { seen, late } = usedBy(supervisors)
  expect(seen).toBeGreaterThan(15)
  expect(late).toEqual([])
})
