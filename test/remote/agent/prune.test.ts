import { spawn } from 'node:child_process'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readPruned } from '../../../src/remote/readings.js'
import { activate, prune, revert } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { expectCode, expectWhole, facts, packTree, ship, stageTree } from './steps.js'

async function pruned(
  host: LocalHost,
  call: { keep: number; protect?: readonly string[] },
): Promise<readonly string[]> {
  const reading = readPruned(await host.call(prune({ fence: 1, ...call })))
  if (reading.kind !== 'ok') throw new Error(JSON.stringify(reading))
  expectWhole(host)
  return reading.value.map(({ release, because }) => `${release}: ${because}`)
}

onMostShells((makeHost) => {
  test('keeps the newest good ones, the protected, and what runs or would be gone back to', async () => {
    const host = makeHost()
    for (const release of ['v1', 'v2', 'v3', 'v4', 'v5']) await ship(host, release)
    expect(await pruned(host, { keep: 3, protect: ['v1'] })).toEqual(['v2: older than the 3 newest'])
    expect(await pruned(host, { keep: 0 })).toEqual([
      'v1: older than the 0 newest',
      'v3: older than the 0 newest',
    ])
    expect(readdirSync(host.at('releases'))).toEqual(['v4', 'v5'])
    expect((await facts(host)).good).toEqual(['v4', 'v5'])
    expect(readdirSync(host.at('.deliver/manifests'))).toEqual(['v4', 'v5'])
    expect(readdirSync(host.at('.deliver/trash'))).toEqual([])
  })

  test('removes what failed, keeps what was staged since and what is on trial', async () => {
    const host = makeHost()
    await ship(host, 'v1')
    const packed = packTree(host, 'v2')
    expectCode(await stageTree(host, 'v2', { packed, id: 's2' }), 0)
    expectCode(
      await host.call(activate({ fence: 1, release: 'v2', digest: packed.digest, id: 'try', guard: 0 })),
      0,
    )
    expect(await pruned(host, { keep: 1 })).toEqual([])
    expectCode(await host.call(revert({ fence: 1, id: 'try', markBad: true })), 0)
    await ship(host, 'v3')
    expectCode(await stageTree(host, 'v4', { id: 's4' }), 0)
    expect(await pruned(host, { keep: 2 })).toEqual(['v2: it failed'])
    expect(readdirSync(host.at('releases'))).toEqual(['v1', 'v3', 'v4'])
  })

  test.skipIf(!existsSync('/proc/self/cwd'))('keeps a release that a process still runs from', async () => {
    const host = makeHost()
    for (const release of ['v1', 'v2', 'v3']) await ship(host, release)
    const child = spawn('sleep', ['60'], { cwd: host.at('releases/v1/node_modules') })
    expect(await pruned(host, { keep: 1 })).toEqual([])
    child.kill()
    await new Promise((resolve) => child.on('close', resolve))
    expect(await pruned(host, { keep: 1 })).toEqual(['v1: older than the 1 newest'])
  })

  test('leaves alone what deliver did not make', async () => {
    const host = makeHost()
    await ship(host, 'v1')
    writeFileSync(host.at('releases/notes.txt'), '')
    expect((await host.call(prune({ fence: 1, keep: 1 }))).kind).toBe('answer')
    expect(readdirSync(host.at('releases'))).toEqual(['notes.txt', 'v1'])
  })

  test('takes away what others tried without the lock only when it is old', async () => {
    const host = makeHost()
    await ship(host, 'v1')
    const trials = [
      '.deliver-flock.1',
      '.deliver-probe.1',
      '.deliver/.deliver-flock.1',
      '.deliver/.deliver-probe.1',
    ]
    for (const trial of trials) writeFileSync(host.at(trial), '')
    await pruned(host, { keep: 1 })
    expect(trials.filter((trial) => !existsSync(host.at(trial)))).toEqual([])
    const longAgo = Date.now() / 1000 - 3 * 86_400
    for (const trial of trials) utimesSync(host.at(trial), longAgo, longAgo)
    await pruned(host, { keep: 1 })
    expect(trials.filter((trial) => existsSync(host.at(trial)))).toEqual([])
  })
})
