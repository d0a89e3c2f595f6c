import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import ssh2, {
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2'
import { beforeAll, describe, expect, test } from 'vitest'
import { generateKeyPair } from '../../src/sandbox/keys.js'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import { login, run } from './client.js'
import { scratchSandbox } from './scratch.js'

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await scratchSandbox({ hosts: 2 })
})

const hasSsh = spawnSync('ssh', ['-V']).error === undefined

/** The system's own client, strict about the host's key, as a person would call it. */
function ssh(args: readonly string[], port = sandbox.hosts[0]!.sshPort) {
  const { identityFile, knownHostsFile } = sandbox
  const options = ['-F', 'none', '-i', identityFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes']
  const strict = ['-o', `UserKnownHostsFile=${knownHostsFile}`, '-o', 'StrictHostKeyChecking=yes']
  return spawn('ssh', [...options, ...strict, '-p', String(port), ...args])
}

async function output(child: ReturnType<typeof ssh>) {
  child.stdin.end()
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await closed
  return { stdout, stderr, code: child.exitCode }
}

describe('who may log in', () => {
  test('the client key, and nobody else', async () => {
    const stranger = generateKeyPair('stranger').privateKey
    await expect(login(sandbox, 0, { privateKey: stranger })).rejects.toThrow('authentication')
  })

  test('no password, empty or not', async () => {
    for (const password of ['', 'deploy']) {
      const tried = login(sandbox, 0, { privateKey: '', password, tryKeyboard: true })
      await expect(tried).rejects.toThrow('authentication')
    }
  })

  test('no user but deploy', async () => {
    await expect(login(sandbox, 0, { username: 'root' })).rejects.toThrow('authentication')
  })

  test('a right key counts only with a right signature', async () => {
    const own = parsed(await readFile(sandbox.identityFile))
    const other = parsed(generateKeyPair('other').privateKey)
    const client = await login(sandbox, 0, { privateKey: '', agent: new KeyAgent(own, own) })
    client.end()
    const forged = login(sandbox, 0, { privateKey: '', agent: new KeyAgent(own, other) })
    await expect(forged).rejects.toThrow('authentication')
  })
})

function parsed(text: string | Buffer): ParsedKey {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) throw key
  return key
}

/** Shows one key and signs with another. */
class KeyAgent extends ssh2.BaseAgent<Buffer> {
  readonly #shown: ParsedKey
  readonly #signing: ParsedKey
  constructor(shown: ParsedKey, signing: ParsedKey) {
    super()
    this.#shown = shown
    this.#signing = signing
  }
  override getIdentities(done: IdentityCallback<Buffer>) {
    done(null, [this.#shown.getPublicSSH()])
  }
  override sign(
    _key: Buffer,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ) {
    const answer = typeof options === 'function' ? options : done
    answer?.(null, this.#signing.sign(data))
  }
}

describe('noise on the port', () => {
  test('garbage, half a banner and sudden ends leave the host well', async () => {
    const port = sandbox.hosts[0]!.sshPort
    for (const noise of ['GET / HTTP/1.0\r\n\r\n', 'SSH-2.0-x\r\n\0\0\0\0garbage', 'SSH-', '']) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(noise)
      await new Promise((resolve) => setImmediate(resolve))
      socket.resetAndDestroy()
    }
    const client = await login(sandbox)
    expect(await run(client, 'exit 9')).toMatchObject({ code: 9 })
    client.end()
  })

  test('listens on the loopback address only', () => {
    const listening = spawnSync('ss', ['-ltnH'], { encoding: 'utf8' })
    if (listening.error) return
    const port = `:${sandbox.hosts[0]!.sshPort} `
    const lines = listening.stdout.split('\n').filter((line) => line.includes(port))
    expect(lines.map((line) => line.split(/\s+/)[3])).toEqual([`127.0.0.1${port.trim()}`])
  })
})

describe.skipIf(!hasSsh)('with the ssh of the system', () => {
  test('exit codes, both outputs, and the host key that known_hosts has', async () => {
    const ended = await output(ssh(['deploy@127.0.0.1', 'echo out; echo err >&2; exit 7']))
    expect(ended).toEqual({ stdout: 'out\n', stderr: 'err\n', code: 7 })
  })

  test('each host has a key of its own: one under the other’s name is refused', async () => {
    const wrong = ['-o', `HostKeyAlias=[127.0.0.1]:${sandbox.hosts[1]!.sshPort}`, 'deploy@127.0.0.1', 'true']
    const ended = await output(ssh(wrong))
    expect(ended.code).toBe(255)
    expect(ended.stderr).toContain('verification failed')
  })

  test('20 MB through a pipe', async () => {
    const child = ssh(['deploy@127.0.0.1', 'wc -c'])
    const ended = Promise.all([text(child.stdout), once(child, 'close')])
    child.stdin.end(Buffer.alloc(20_000_000))
    expect((await ended)[0].trim()).toBe('20000000')
  })
})
