import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentKeyTypes } from '../../../src/adapters/ssh/agent-key-types.js'
import { sshString, uint32 } from '../../../src/adapters/ssh/openssh/packet.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'deliver-agent-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Something that answers each connection with these bytes, cut in two. */
async function answering(bytes: Buffer, at: number, work: (socket: string) => Promise<void>): Promise<void> {
  const socket = join(directory, 'false-agent')
  const server = createServer((client) => {
    client.on('error', () => {})
    client.once('data', () => {
      client.write(bytes.subarray(0, at))
      client.end(bytes.subarray(at))
    })
  })
  server.listen(socket)
  await once(server, 'listening')
  try {
    await work(socket)
  } finally {
    server.close()
    await once(server, 'close')
  }
}

const listed = (types: readonly string[]): Buffer =>
  sshString(
    Buffer.concat([
      Buffer.from([12]),
      uint32(types.length),
      ...types.flatMap((type) => [
        sshString(Buffer.concat([sshString(type), uint32(0)])),
        sshString('a comment'),
      ]),
    ]),
  )

describe('agentKeyTypes', () => {
  test('a real agent tells its keys, certificates among them', async () => {
    const keygen = (...args: readonly string[]) =>
      execFileSync('ssh-keygen', ['-q', ...args], { cwd: directory })
    for (const [name, type] of [
      ['authority', 'ed25519'],
      ['one', 'rsa'],
      ['two', 'ed25519'],
    ] as const)
      keygen('-t', type, '-N', '', '-f', name)
    keygen('-s', 'authority', '-I', 'id', '-n', 'deploy', 'two.pub')
    const socket = join(directory, 'agent')
    const started = execFileSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' })
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])
    try {
      expect(await agentKeyTypes(socket, 5_000)).toEqual([])
      const env = { ...process.env, SSH_AUTH_SOCK: socket }
      execFileSync('ssh-add', ['-q', 'one', 'two'], { cwd: directory, env })
      expect(await agentKeyTypes(socket, 5_000)).toEqual([
        'ssh-rsa',
        'ssh-ed25519',
        'ssh-ed25519-cert-v01@openssh.com',
      ])
    } finally {
      process.kill(pid)
    }
  })

  test.each([
    ['no such socket', 'none'],
    ['a directory', '.'],
    ['no path', ''],
    ['a number', '1'],
    ['a long name', 'x'.repeat(300)],
  ])('%s: no keys', async (_, name) => {
    expect(await agentKeyTypes(name === '' ? '' : join(directory, name), 5_000)).toEqual([])
  })

  test('one that says nothing has no keys once its time is up', async () => {
    await answering(Buffer.alloc(0), 0, async (socket) => {
      expect(await agentKeyTypes(socket, 5_000)).toEqual([])
    })
  })

  test('a list that arrives in two pieces is one list', async () => {
    const bytes = listed(['ssh-ed25519', 'sk-ssh-ed25519@openssh.com'])
    for (const at of [1, 4, 5, 9, bytes.length - 1])
      await answering(bytes, at, async (socket) => {
        expect(await agentKeyTypes(socket, 5_000)).toEqual(['ssh-ed25519', 'sk-ssh-ed25519@openssh.com'])
      })
  })

  test('a list that claims more than it has is none, whatever it claims', async () => {
    for (const count of [3, 1_000, 2 ** 32 - 1]) {
      const body = listed(['ssh-ed25519', 'ssh-rsa']).subarray(9)
      const bytes = sshString(Buffer.concat([Buffer.from([12]), uint32(count), body]))
      await answering(bytes, 3, async (socket) => expect(await agentKeyTypes(socket, 5_000)).toEqual([]))
    }
  })

  test('never rejects, whatever the answer', async () => {
    const noise = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))
    const framed = noise.map((bytes) => sshString(Buffer.concat([Buffer.from([12]), bytes])))
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, framed), fc.nat(70), async (bytes, at) => {
        await answering(bytes, at, async (socket) => {
          for (const type of await agentKeyTypes(socket, 5_000)) expect(type.length).toBeLessThanOrEqual(64)
        })
      }),
      { numRuns: 40 },
    )
  })
})
