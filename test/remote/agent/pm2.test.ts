import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ServiceConfig } from '../../../src/config/types.js'
import { activate } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { expectCode, packTree, stageTree } from './steps.js'

/**
 * The command lines that pm2 is given. What pm2 makes of them was seen with pm2 itself: it remembers the path through `current`, and
 * a reload runs the new release.
 */
const recorder = `#!/bin/sh
[ "$1" != describe ] || { [ -f "$HOME/known" ]; exit; }
printf '%s\\n' "$*" >> "$HOME/pm2.log"
`

const pm2 = (start?: string): ServiceConfig => ({
  manager: { kind: 'pm2', name: 'api', ...(start === undefined ? {} : { start }) },
  timeout: 10_000,
})

async function activated(host: LocalHost, service: ServiceConfig) {
  writeFileSync(join(host.bin, 'pm2'), recorder, { mode: 0o755 })
  const packed = packTree(host, 'v1')
  expectCode(await stageTree(host, 'v1', { packed }), 0)
  return host.call(activate({ fence: 1, release: 'v1', digest: packed.digest, id: 'try', guard: 0, service }))
}

const told = (host: LocalHost): string => readFileSync(join(host.home, 'pm2.log'), 'utf8')

onMostShells((makeHost) => {
  test('a process that pm2 knows is reloaded', async () => {
    const host = makeHost()
    writeFileSync(join(host.home, 'known'), '')
    expectCode(await activated(host, pm2('server.js')), 0)
    expect(told(host)).toBe('reload api --update-env\n')
  })

  test.each([
    ['server.js', '--name'],
    ['ecosystem.config.cjs', '--only'],
    ['pm2.json', '--only'],
  ])('one that it does not know is started through current: %s', async (start, option) => {
    const host = makeHost()
    expectCode(await activated(host, pm2(start)), 0)
    const current = host.at('current')
    expect(told(host)).toBe(`start ${current}/${start} ${option} api --cwd ${current}\n`)
  })

  test('without anything to start it is a failed restart that says so', async () => {
    const host = makeHost()
    const answer = await activated(host, pm2())
    expectCode(answer, 16)
    expect(answer.kind === 'answer' && answer.text).toMatch(/pm2 doesn't know "api"/)
  })
})
