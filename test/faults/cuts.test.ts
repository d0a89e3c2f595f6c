/** Connections that end at every interesting byte, in both directions. */
import { rmSync } from 'node:fs'
import { beforeAll, expect } from 'vitest'
import type { Cut } from './rig/cutting-proxy.js'
import { Ground } from './rig/ground.js'
import { scenario } from './rig/scenario.js'
import { whole } from './rig/whole.js'

let ground: Ground
/** What an undisturbed deploy sends and receives on one connection. */
let totals: Readonly<Record<Cut['direction'], number>>

beforeAll(async () => {
  ground = await Ground.create(2)
  await ground.publish('a', 'b', 'c')
  expect(await ground.run('deploy', 'a')).toMatchObject({ code: 0 })
  const before = first().connections
  expect(await ground.run('deploy', 'b')).toMatchObject({ code: 0 })
  expect(first().connections - before).toBe(1)
  totals = { ...first().counted }
  expect(totals.up).toBeGreaterThan(200_000)
}, 120_000)

function first() {
  const [proxy] = ground.proxies
  if (proxy === undefined) throw new Error('no proxy')
  return proxy
}

const turns = ['c', 'a', 'b'] as const
let turn = -1
const next = (): string => turns[(turn = (turn + 1) % turns.length)] ?? 'a'

/** Before the banner, in it, in the key exchange, in the login, all over the transfer, and around its end. */
function offsets(total: number): readonly number[] {
  const early = [0, 1, 20, 100, 1_000, 2_000, 3_000, 5_000, 8_000]
  const shares = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99]
  const late = [2_000, 1_000, 500, 200, 100, 36, 1].map((left) => total - left)
  const all = [...new Set([...early, ...shares.map((share) => Math.round(share * total)), ...late])]
    .filter((offset) => offset >= 0 && offset < total)
    .sort((a, b) => a - b)
  return whole ? all : all.filter((_, index) => index % 8 === 3)
}

for (const direction of ['up', 'down'] as const)
  scenario(
    `the connection to a host is cut (${direction})`,
    ['I1', 'I3', 'I4', 'I9', 'I10'],
    async ({ task }) => {
      const codes = new Map<number | string, number>()
      for (const after of offsets(totals[direction])) {
        const release = next()
        // As good as a host that never had it, so that there is something to send each time.
        for (const { targetPath } of ground.world.hosts.slice(0, 1))
          for (const part of ['releases', '.deliver/manifests'])
            rmSync(`${targetPath}/${part}/${release}`, { recursive: true, force: true })
        first().cutNext({ direction, after })
        const { code, output } = await ground.run('deploy', release, '--yes')
        codes.set(code, (codes.get(code) ?? 0) + 1)
        const where = `cut ${direction} after ${after} of ${totals[direction]}:\n${output}`
        await ground.expectWhole()
        // A success is one, and what is none says whether anything switched.
        if (code === 0) await ground.expectSettled(release, turns.length)
        else expect([1, 4, 5, 6], where).toContain(code)
        if (code === 1 || code === 5) expect(ground.currents(), where).not.toContain(release)
        const again = await ground.run('deploy', release, '--yes')
        expect(again.code, `${where}\n${again.output}`).toBe(0)
        await ground.expectSettled(release)
      }
      Object.assign(task.meta, { codes: Object.fromEntries(codes) })
    },
  )
