import { rmSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { pointerKey } from '../../src/store/layout.js'
import { Signers } from '../fixtures/signers.js'
import { onShells, type BootPlace, type Fault } from './place.js'

const keys = new Signers()
afterAll(() => rmSync(keys.directory, { recursive: true }))
const ours = keys.make('ours')
const theirs = keys.make('theirs')
const script = { signers: `api ${ours.publicKey}` }

onShells(['dash'], (make) => {
  const refused = async (place: BootPlace, expected: string, allowed = script): Promise<void> => {
    const { code, output } = await place.run('boot', { script: allowed })
    expect([code, place.current], output).toEqual([3, undefined])
    expect(output).toContain(expected)
    expect(place.asked.filter((key) => key !== pointerKey('api', 'production'))).toEqual([])
  }

  it('installs what a signed pointer names', async () => {
    const place = make()
    await place.point('v1', { sign: ours.sign })
    const { code, output } = await place.run('boot', { script })
    expect([code, place.current], output).toEqual([0, 'v1'])
  })

  it('fetches nothing by a pointer that is unsigned, or signed by somebody else, or too late', async () => {
    const place = make()
    await place.point('v1')
    await refused(place, 'is not signed')
    const other = make()
    await other.point('v1', { sign: theirs.sign })
    await refused(other, 'none who may sign for api signed it')
    const late = make()
    await late.point('v1', { sign: ours.sign })
    await refused(late, 'none who may sign', { signers: `api valid-before="20200101" ${ours.publicKey}` })
  })

  it('refuses a line that was changed, with its checksum, and a signature of another line', async () => {
    const place = make()
    await place.point('v1', { sign: ours.sign })
    const first = await place.pointer()
    await place.point('v2', { sign: ours.sign })
    const swap: Fault = (key, body, answer) => {
      if (!key.endsWith('current.json') || body === undefined) return undefined
      const second: unknown = JSON.parse(body.toString())
      const mixed = { ...(typeof second === 'object' ? second : {}), signature: first.signature }
      answer.end(`${JSON.stringify(mixed, null, 2)}\n`)
      return true
    }
    place.fault = swap
    await refused(place, 'none who may sign for api signed it')
  })

  it('refuses an older pointer, though it was signed', async () => {
    const place = make()
    await place.point('v1', { sign: ours.sign })
    const old = await place.store.readDocument(pointerKey('api', 'production'))
    await place.point('v2', { sign: ours.sign })
    expect((await place.run('boot', { script })).code).toBe(0)
    place.fault = (key, _, answer) => {
      if (!key.endsWith('current.json')) return undefined
      answer.end(old?.text)
      return true
    }
    const { code, output } = await place.run('update', { script })
    expect([code, place.current], output).toEqual([1, 'v2'])
    expect(output).toContain('an old copy is refused')
  })
})
