import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onMostShells, type LocalHost } from './host.js'

const agent = new URL('../../../src/remote/agent/', import.meta.url)
const parts = ['02-answers.sh', '04-arguments.sh', '55-probe.sh']
const place = '/var/lib/cloud/data/instance-id'

/** What the agent tells of a file of that content; the file of this machine itself is none of ours. */
function told(host: LocalHost, content: string | undefined): string {
  const file = join(host.home, 'instance-id')
  if (content !== undefined) writeFileSync(file, content)
  const program = parts.map((part) => readFileSync(new URL(part, agent), 'utf8')).join('')
  expect(program).toContain(`<${place}`)
  const script = `set -u\nnonce=n\n${program.replaceAll(place, file)}\ntell_instance\n`
  return execFileSync(join(host.bin, 'sh'), ['-c', script], { env: host.env, encoding: 'utf8' })
}

onMostShells((make) => {
  test.each([
    ['an instance', 'i-0123456789abcdef0\n', '@n instance i-0123456789abcdef0\n'],
    ['without a newline', 'i-0123456789abcdef0', '@n instance i-0123456789abcdef0\n'],
    ['no file', undefined, ''],
    ['an empty file', '', ''],
    ['something else', 'a b; $(touch x)\n', ''],
  ])('%s', (_, content, expected) => {
    expect(told(make(), content)).toBe(expected)
  })
})
