import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { callAgent } from '../../src/execute/agent-client.js'
import type { Ended, ExecOptions, Session } from '../../src/ports.js'
import { agentProgram } from '../../src/remote/agent-program.js'
import { codes } from '../../src/remote/answers.js'
import { run } from '../../src/remote/command-verbs.js'
import { probe, put } from '../../src/remote/verbs.js'
import { LocalHost } from '../remote/agent/host.js'
import { sha256 } from '../remote/agent/release-on-disk.js'

const hosts: LocalHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
})

function makeHost(path?: string): LocalHost {
  const host = new LocalHost('dash', path)
  hosts.push(host)
  return host
}

const bytes = Buffer.alloc(300_000, 'payload')
const putCall = put({
  fence: 1,
  release: 'v1',
  id: 'one',
  name: 'archive',
  size: bytes.length,
  sha256: sha256(bytes),
})

test('a call that looks leaves no trace on a host where nothing is installed', async () => {
  const host = makeHost()
  expect(await host.call(probe())).toMatchObject({ kind: 'answer', code: 0 })
  expect(existsSync(host.at())).toBe(false)
})

test('a call that changes something installs the agent once, and takes its payload from a new stream', async () => {
  const host = makeHost()
  let opened = 0
  const open = (): Readable => {
    opened++
    return Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)])
  }
  for (let times = 0; times < 2; times++) {
    expect(await host.call(putCall, { stdin: open })).toMatchObject({ kind: 'answer', code: 0 })
  }
  expect(opened).toBeLessThanOrEqual(3)
  const installed = host.at('.deliver', agentProgram().file)
  expect(readFileSync(installed).equals(agentProgram().text)).toBe(true)
  expect(statSync(installed).mode & 0o777).toBe(0o700)
  expect(readdirSync(host.at('.deliver')).filter((name) => name.startsWith('new-agent'))).toEqual([])
})

test.each([['~/deep/app'], ["it's a $(path)"], ['dash-/-x'], ['ümlaut/\n/x']])(
  'works under %j',
  async (path) => {
    const host = makeHost(path)
    const under = path.startsWith('~/') ? join(host.home, path.slice(2)) : join(host.home, path)
    expect(await host.call(putCall, { stdin: bytes })).toMatchObject({ kind: 'answer', code: 0 })
    expect(readdirSync(join(under, '.deliver/incoming'))).toEqual(['v1.one'])
  },
)

test('a path that can not be made is a precondition that says what to run', async () => {
  const host = makeHost('file/app')
  writeFileSync(join(host.home, 'file'), '')
  const answer = await host.call(putCall, { stdin: bytes })
  expect(answer).toMatchObject({ kind: 'answer', code: codes.precondition })
  expect(answer.kind === 'answer' && answer.text).toMatch(/can't be created.*sudo mkdir -p .*chown/)
})

test('the agent is plain ASCII: shells count its characters', () => {
  expect(agentProgram().text.every((byte) => byte < 128 && byte !== 0)).toBe(true)
})

describe('a session that misbehaves', () => {
  function sessionOf(exec: (options: ExecOptions) => Promise<Ended>): Session {
    const host = makeHost()
    return {
      host: host.host,
      alive: true,
      openTcp: () => host.openTcp(),
      close: async () => {},
      exec: (_, options) => exec(options),
    }
  }

  test.each<[string, Ended, string]>([
    ['exit 0 without a word', { kind: 'exit', code: 0 }, 'exit code 0'],
    ['exit 255', { kind: 'exit', code: 255 }, 'exit code 255'],
    ['killed', { kind: 'signal', signal: 'KILL' }, 'KILL'],
    ['lost', { kind: 'lost', because: 'the connection was reset' }, 'the connection was reset'],
  ])('%s is unknown', async (_, ended, because) => {
    const answer = await callAgent(
      sessionOf(async () => ended),
      'app',
      probe(),
      { timeout: 1000 },
    )
    expect(answer).toMatchObject({ kind: 'unknown', because: expect.stringContaining(because) as string })
  })

  test('an answer counts although the connection went right after it', async () => {
    const host = makeHost()
    const session = sessionOf(async (options) => {
      await host.exec('exec sh -c \'IFS= read -r c;eval "$c"\'', options)
      return { kind: 'lost', because: 'reset' }
    })
    expect(await callAgent(session, 'app', probe(), { timeout: 30_000 })).toMatchObject({
      kind: 'answer',
      code: 0,
    })
  })
})

test('log lines come as they are printed, with what was sent counted without the wire', async () => {
  const host = makeHost()
  const lines: string[] = []
  await host.call(run({ command: 'echo one; echo two >&2; exit 4', directory: 'home', timeout: 5000 }), {
    onLog: (line) => lines.push(line),
  })
  expect(lines.sort()).toEqual(['one', 'two'])
})

test('a stream that breaks does not count as a payload', async () => {
  const host = makeHost()
  await host.call(putCall, { stdin: bytes })
  const broken = (): Readable =>
    Readable.from(
      (async function* () {
        yield bytes.subarray(0, 5000)
        throw new Error('disk error')
      })(),
    )
  const answer = await host.call(putCall, { stdin: broken })
  expect(answer).not.toMatchObject({ code: 0 })
})
