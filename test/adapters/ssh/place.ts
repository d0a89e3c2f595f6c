import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SshConfig } from '../../../src/config/types.js'
import type { Host } from '../../../src/ports.js'
import { makeKeys, wireKey } from './server.js'
import type { Keys, TestServer } from './server.js'

/** A home directory with a key, and what deliver would be told about it. */
export interface Place {
  readonly home: string
  readonly keys: Keys
  readonly knownHosts: string
  ssh(over?: Partial<SshConfig>): SshConfig
  remove(): Promise<void>
}

export async function makePlace(keys: Keys = makeKeys()): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), 'deliver-ssh-'))
  await mkdir(join(home, '.ssh'), { mode: 0o700 })
  await writeFile(join(home, '.ssh', 'id_ed25519'), keys.private, { mode: 0o600 })
  const knownHosts = join(home, '.ssh', 'known_hosts')
  await writeFile(knownHosts, '')
  const base: SshConfig = {
    user: 'deploy',
    knownHosts: [knownHosts],
    config: join(home, '.ssh', 'config'),
    agent: false,
    connectTimeout: 10_000,
    keepalive: 15_000,
    retries: 0,
    concurrency: 10,
  }
  return {
    home,
    keys,
    knownHosts,
    ssh: (over = {}) => ({ ...base, ...over }),
    remove: () => rm(home, { recursive: true }),
  }
}

/** The known_hosts line of a server on this machine. */
export function lineFor(
  server: TestServer,
  keys: Keys | undefined = server.hostKeys[0],
  name = '127.0.0.1',
): string {
  if (keys === undefined) throw new Error('the server has no key')
  return `[${name}]:${server.port} ssh-ed25519 ${wireKey(keys).toString('base64')}\n`
}

export function hostOf(server: TestServer, name = 'web1'): Host {
  return { name, address: '127.0.0.1', port: server.port, labels: {} }
}
