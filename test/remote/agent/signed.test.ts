import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { activate, probe, stage, type Signed } from '../../../src/remote/verbs.js'
import { readHostFacts } from '../../../src/remote/readings.js'
import { Signers } from '../../fixtures/signers.js'
import { onMostShells, type LocalHost } from './host.js'
import { sha256, type Packed } from './release-on-disk.js'
import { packTree, putBoth, result, stageTree } from './steps.js'

const signers = new Signers()
afterAll(() => rmSync(signers.directory, { recursive: true }))
const ours = signers.make('ours')
const theirs = signers.make('theirs')

function statementOf(packed: Packed, change: Readonly<Record<string, string>> = {}): string {
  const { kind = 'deliver-release 1', app = 'api', release = 'v1', listing = packed.digest } = change
  const archive = change['archive'] ?? sha256(packed.archive)
  const size = packed.archive.length
  return `${kind}\napp=${app}\nrelease=${release}\nlisting=${listing}\narchive=tar ${size} ${archive}\n`
}

/** A PATH of links to all that the host has, but one. */
function pathWithout(host: LocalHost, program: string): string {
  const bin = join(host.home, 'without')
  mkdirSync(bin)
  for (const directory of (host.env['PATH'] ?? '').split(':'))
    for (const name of existsSync(directory) ? readdirSync(directory) : [])
      if (name !== program && !existsSync(join(bin, name)))
        symlinkSync(join(directory, name), join(bin, name))
  return bin
}

onMostShells((makeHost, shell) => {
  // The others take as long again: DELIVER_LONG=1.
  describe.skipIf(shell !== 'dash' && process.env['DELIVER_LONG'] === undefined)(
    'a host with allowed signers',
    () => {
      let host: LocalHost
      let packed: Packed

      const allow = (name: string, text: string): void => {
        mkdirSync(host.at('.deliver'), { recursive: true })
        writeFileSync(host.at('.deliver', name), text)
      }
      const stageWith = async (signed?: Signed): Promise<readonly [number | 'unknown', string]> => {
        await putBoth(host, 'v1', packed)
        const staging = { fence: 1, release: 'v1', id: 'put1', digest: packed.digest }
        return result(await host.call(stage({ ...staging, encoding: 'none', shared: [], signed })))
      }
      const signed = async (change: Readonly<Record<string, string>> = {}, by = ours): Promise<Signed> => {
        const statement = statementOf(packed, change)
        return { statement, signature: await by.sign(statement) }
      }
      /** Nothing was unpacked, and nothing is left. */
      const expectNothing = (): void => {
        expect(readdirSync(host.at('releases'))).toEqual([])
        expect(
          readdirSync(host.at('.deliver', 'incoming')).flatMap((each) =>
            readdirSync(host.at('.deliver/incoming', each)),
          ),
        ).not.toContain('tree')
        expect(readdirSync(host.at('.deliver')).filter((each) => each.startsWith('signed.'))).toEqual([])
      }

      beforeEach(() => {
        host = makeHost()
        // What a busybox host lacks is what is tested last.
        if (shell === 'busybox') symlinkSync('/usr/bin/ssh-keygen', join(host.bin, 'ssh-keygen'))
        packed = packTree(host, 'v1')
        allow('allowed_signers', `api ${ours.publicKey}\n`)
      })

      test('takes what one of them signed', async () => {
        expect(await stageWith(await signed())).toEqual([codes.ok, 'staged'])
      })

      test('refuses what is not signed, whatever the caller wants', async () => {
        expect(await stageWith()).toEqual([codes.precondition, expect.stringContaining('v1 is not signed')])
        expectNothing()
      })

      test.each([
        ['by somebody else', {}, theirs],
        ['for another release', { release: 'v2' }, ours],
        ['for other content', { listing: '0'.repeat(64) }, ours],
        ['for another archive', { archive: '0'.repeat(64) }, ours],
        ['for another app', { app: 'web' }, ours],
        ['as something else', { kind: 'deliver-pointer 1' }, ours],
      ])('refuses what is signed %s', async (_, change, by) => {
        const [code] = await stageWith(await signed(change, by))
        expect(code).toBe(codes.precondition)
        expectNothing()
      })

      test('refuses a statement that was changed after it was signed', async () => {
        const { statement, signature } = await signed({ listing: '0'.repeat(64) })
        const forged = { statement: statement.replace('0'.repeat(64), packed.digest), signature }
        expect((await stageWith(forged))[0]).toBe(codes.precondition)
        expectNothing()
      })

      test('refuses signers whose time is up, and those that were revoked', async () => {
        allow('allowed_signers', `api valid-before="20200101" ${ours.publicKey}\n`)
        expect((await stageWith(await signed()))[0]).toBe(codes.precondition)
        allow('allowed_signers', `api ${ours.publicKey}\n`)
        allow('revoked_signers', `${ours.publicKey}\n`)
        expect((await stageWith(await signed()))[0]).toBe(codes.precondition)
        expectNothing()
      })

      test('refuses everything without ssh-keygen, and says so', async () => {
        host.env['PATH'] = pathWithout(host, 'ssh-keygen')
        expect(await stageWith(await signed())).toEqual([
          codes.precondition,
          expect.stringContaining('no ssh-keygen on this host'),
        ])
      })

      test('does not switch to a release that was staged before, unless it gets its signature', async () => {
        rmSync(host.at('.deliver/allowed_signers'))
        await stageTree(host, 'v1', { packed })
        allow('allowed_signers', `api ${ours.publicKey}\n`)
        const call = activate({ fence: 1, id: 'a', release: 'v1', digest: packed.digest, guard: 0 })
        expect(result(await host.call(call))).toEqual([
          codes.precondition,
          expect.stringContaining('staged here without a signature'),
        ])
        const facts = readHostFacts(await host.call(probe()))
        expect(facts).toMatchObject({ kind: 'ok', value: { releases: [] } })
        expect(await stageWith(await signed())).toEqual([codes.ok, 'already there'])
        expect(result(await host.call(call))[0]).toBe(codes.ok)
      })
    },
  )
})
