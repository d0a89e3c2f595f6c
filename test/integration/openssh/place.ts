import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOpenSshTransport } from '../../../src/adapters/ssh/openssh/transport.js'
import { createSsh2Transport } from '../../../src/adapters/ssh/transport.js'
import type { SshConfig } from '../../../src/config/types.js'
import type { Host, Transport } from '../../../src/ports.js'
import { makeKeyFiles, Sshd } from '../rig/sshd.js'
import type { KeyFiles } from '../rig/sshd.js'

const port = 2322

/** A home directory with a key, and servers that let it in. Ends all it started. */
export class Place {
  readonly home: string
  readonly knownHosts: string
  readonly client: KeyFiles
  readonly #servers: Sshd[] = []
  readonly #transports: Transport[] = []

  private constructor(home: string, client: KeyFiles) {
    this.home = home
    this.client = client
    this.knownHosts = join(home, '.ssh', 'known_hosts')
  }

  static async make(): Promise<Place> {
    const home = await mkdtemp(join(tmpdir(), 'deliver-openssh-'))
    await mkdir(join(home, '.ssh'), { mode: 0o700 })
    const place = new Place(home, await makeKeyFiles(join(home, '.ssh', 'id_ed25519')))
    await writeFile(place.knownHosts, '')
    return place
  }

  /** Starts a server on 127.0.0.N. */
  async server(
    n: number,
    settings: Readonly<Record<string, string>> = {},
    hostKeys?: readonly KeyFiles[],
    clients: readonly string[] = [this.client.public],
  ): Promise<Sshd> {
    const sshd = await Sshd.start({
      directory: join(this.home, `sshd-${n}`),
      address: `127.0.0.${n}`,
      port,
      hostKeys: hostKeys ?? [await makeKeyFiles(join(this.home, `host-${n}`))],
      clients,
      settings,
    })
    this.#servers.push(sshd)
    return sshd
  }

  /** By the library, unless `client` is openssh. */
  transport(over: Partial<SshConfig> = {}, env: NodeJS.ProcessEnv = {}): Transport {
    const ssh: SshConfig = {
      user: 'root',
      knownHosts: [this.knownHosts],
      config: join(this.home, '.ssh', 'config'),
      agent: false,
      connectTimeout: 10_000,
      keepalive: 15_000,
      retries: 0,
      concurrency: 10,
      ...over,
    }
    const transport = this.#open(ssh, env)
    this.#transports.push(transport)
    return transport
  }

  #open(ssh: SshConfig, env: NodeJS.ProcessEnv): Transport {
    if (ssh.client !== 'openssh') return createSsh2Transport({ ssh, env, home: this.home })
    // The library takes the key of the home that it is told; OpenSSH's home is that of the user who runs the tests.
    const identityFile = ssh.identityFile ?? [this.client.path]
    return createOpenSshTransport({ ssh: { ...ssh, identityFile }, env, home: this.home })
  }

  /** Trusts the first key of each server. */
  async trust(...servers: readonly Sshd[]): Promise<void> {
    await writeFile(this.knownHosts, servers.map((server) => lineFor(server)).join(''))
  }

  async remove(): Promise<void> {
    for (const transport of this.#transports) await transport.close()
    for (const server of this.#servers) await server.stop()
    await rm(this.home, { recursive: true, force: true })
  }
}

export function lineFor({ options }: Sshd, key: KeyFiles | undefined = options.hostKeys[0]): string {
  if (key === undefined) throw new Error('the server has no key')
  const [type = '', encoded = ''] = key.public.split(' ')
  return `[${options.address}]:${options.port} ${type} ${encoded}\n`
}

export function hostOf({ options }: Sshd): Host {
  return { name: `host-${options.address}`, address: options.address, port: options.port, labels: {} }
}
