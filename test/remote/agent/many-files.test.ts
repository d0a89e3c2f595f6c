import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codes } from '../../../src/remote/answers.js'
import { onEachShell, type LocalHost } from './host.js'
import { pack, plant, type Tree } from './release-on-disk.js'
import { expectCode, expectWhole, putBoth, smallTree, stageTree } from './steps.js'
import { stage } from '../../../src/remote/verbs.js'

/** Enough of them that their names don't fit in what is hashed one way or the other. */
const many: Tree = {
  ...smallTree,
  ...Object.fromEntries(
    Array.from({ length: 120 }, (_, at) => [`lib/${'a long name '.repeat(8)}${at}`, `content ${at}`]),
  ),
  '-starts with a dash': '1',
  'back\\slash and *star* \u00e9': '2',
}

/** What hashes on the host are asked for, in a file. */
function watchOpenssl(host: LocalHost, behaviour = 'exec "$real" "$@"'): () => string {
  const real = execFileSync('sh', ['-c', 'command -v openssl'], { encoding: 'utf8' }).trim()
  const program = join(host.bin, 'openssl')
  const calls = join(host.home, 'openssl-calls')
  writeFileSync(program, `#!/bin/sh\nreal=${real}\necho "$#" >>${calls}\n${behaviour}\n`)
  chmodSync(program, 0o755)
  return () => (existsSync(calls) ? readFileSync(calls, 'utf8') : '')
}

onEachShell((makeHost, shell) => {
  test.runIf(shell === 'busybox')('many files, without the tools of GNU', async () => {
    const host = makeHost()
    plant(`${host.home}/many`, many)
    expectCode(await stageTree(host, 'v1', { packed: pack(`${host.home}/many`) }), 0)
    expectWhole(host)
  })

  if (shell === 'busybox') return

  describe('many files', () => {
    test('are hashed by openssl', async () => {
      const host = makeHost()
      const calls = watchOpenssl(host)
      plant(`${host.home}/many`, many)
      expectCode(await stageTree(host, 'v1', { packed: pack(`${host.home}/many`) }), 0)
      expectWhole(host)
      expect(calls()).toMatch(/^4\n[0-9]{3}\n$/)
    })

    test.each([
      ['a name has a newline', { 'new\nline': '3' }, 'exec "$real" "$@"', /^$/],
      ['there is no openssl that works', {}, 'exit 1', /^4\n$/],
      ['it says something else', {}, 'echo hello', /^4\n$/],
    ])('are hashed by sha256sum where %s', async (_, more, behaviour, asked) => {
      const host = makeHost()
      const calls = watchOpenssl(host, behaviour)
      plant(`${host.home}/many`, { ...many, ...more })
      expectCode(await stageTree(host, 'v1', { packed: pack(`${host.home}/many`) }), 0)
      expectWhole(host)
      expect(calls()).toMatch(asked)
    })

    test.each([
      ['a file less', '[ "$#" -lt 9 ] || shift 9; exec "$real" dgst -sha256 -r "$@"'],
      ['another hash', '"$real" "$@" | sed "3s/^./x/"'],
      ['nothing', '[ "$#" -gt 4 ] || exec "$real" "$@"'],
    ])('are no release when openssl tells %s', async (_, behaviour) => {
      const host = makeHost()
      watchOpenssl(host, behaviour)
      plant(`${host.home}/many`, many)
      const packed = pack(`${host.home}/many`)
      await putBoth(host, 'v1', packed)
      const { digest } = packed
      const answer = await host.call(
        stage({ fence: 1, release: 'v1', id: 'put1', digest, encoding: 'none', shared: [] }),
      )
      expect(answer).not.toMatchObject({ kind: 'answer', code: codes.ok })
      expect(readdirSync(host.at('releases'))).toEqual([])
    })
  })
})
