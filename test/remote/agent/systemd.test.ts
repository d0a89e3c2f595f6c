import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ServiceConfig } from '../../../src/config/types.js'
import { activate } from '../../../src/remote/verbs.js'
import { onMostShells, type LocalHost } from './host.js'
import { expectCode, packTree, stageTree } from './steps.js'

/**
 * As systemd does with a unit that restarts by itself until its limit is reached: it has not failed before the restart, the restart is
 * refused, and the next are until the time is over or the limit is cleared (which is for root alone). `why`: what it says of itself then.
 */
const refusing = (times: number, why: string): string => `#!/bin/sh
printf '%s\\n' "$*" >> "$HOME/systemctl.log"
case $1 in
  is-failed) echo activating; exit 3 ;;
  is-active) echo active ;;
  show) case $3 in Result) echo Result=${why} ;; SubState) echo SubState=running ;; *) echo StartLimitIntervalUSec=1s ;; esac ;;
  restart) [ "$(grep -c ^restart "$HOME/systemctl.log")" -gt ${times} ] ;;
esac
`

const systemd: ServiceConfig = { manager: { kind: 'systemd', unit: 'api', user: true }, timeout: 10_000 }

async function activated(host: LocalHost, systemctl: string) {
  // Its first argument is --user.
  writeFileSync(join(host.bin, 'systemctl'), systemctl.replace('#!/bin/sh\n', '#!/bin/sh\nshift\n'), {
    mode: 0o755,
  })
  const packed = packTree(host, 'v1')
  expectCode(await stageTree(host, 'v1', { packed }), 0)
  const names = { fence: 1, release: 'v1', digest: packed.digest, id: 'try' }
  return host.call(activate({ ...names, guard: 0, service: systemd }))
}

const told = (host: LocalHost): readonly string[] =>
  readFileSync(join(host.home, 'systemctl.log'), 'utf8').split('\n')

onMostShells((makeHost) => {
  test('a unit that starts too often is restarted again until systemd lets it', async () => {
    const host = makeHost()
    expectCode(await activated(host, refusing(1, 'start-limit-hit')), 0)
    expect(told(host).filter((line) => line === 'restart api')).toHaveLength(2)
    expect(told(host)).toContain('reset-failed api')
  })

  test('but no longer than its limit lasts', async () => {
    const host = makeHost()
    expectCode(await activated(host, refusing(100, 'start-limit-hit')), 16)
    expect(told(host).filter((line) => line === 'restart api').length).toBeLessThan(8)
  })

  test.each(['exit-code', 'signal', 'core-dump'])(
    'a restart that failed because a crashing release ended meanwhile (%s) is repeated once',
    async (why) => {
      const simple = (times: number): string =>
        refusing(times, why).replace('SubState)', 'Type) echo Type=simple ;; SubState)')
      const host = makeHost()
      expectCode(await activated(host, simple(1)), 0)
      expect(told(host).filter((line) => line === 'restart api')).toHaveLength(2)
      const other = makeHost()
      expectCode(await activated(other, simple(100)), 16)
      expect(told(other).filter((line) => line === 'restart api')).toHaveLength(2)
    },
  )

  test('a restart that fails for another reason is not repeated', async () => {
    const host = makeHost()
    expectCode(await activated(host, refusing(1, 'exit-code')), 16)
    expect(told(host).filter((line) => line === 'restart api')).toHaveLength(1)
  })
})
