import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const directory = fileURLToPath(new URL('../../src/remote/agent/', import.meta.url))
/** After this part a call that only looks has ended: what is defined later isn't there for it. */
const lastOfLooks = '16-looked.sh'
const looks = ['service', 'status', 'logs', 'journal']
/** Of calls that have the host's lock, which no look has. */
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

test('a call that only looks uses nothing of the agent that a shell has not read by then', () => {
  const functions = readFunctions()
  const seen = new Set<string>()
  const late: string[] = []
  const visit = (name: string, by: string): void => {
    const one = functions.get(name)
    if (one === undefined || seen.has(name) || underLock.has(name)) return
    seen.add(name)
    if (one.part > lastOfLooks) late.push(`${by} -> ${name} in ${one.part}`)
    for (const used of one.uses) visit(used, name)
  }
  for (const verb of looks) visit(`do_${verb}`, 'main')
  for (const name of ['bad_call', 'clean_up', 'need_number']) visit(name, 'main')
  expect(seen.size).toBeGreaterThan(40)
  expect(late).toEqual([])
})
