import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '../dist/sandbox/keys.js'

/** So many embedded servers, in a process of their own, and the ssh settings to reach them. */
export async function startServers(count, scratch) {
  const servers = fork(fileURLToPath(new URL('embedded-servers.js', import.meta.url)), [String(count)])
  const [{ addresses, port, hostKey }] = await once(servers, 'message')
  const knownHosts = join(scratch, `known_hosts_${count}`)
  await writeFile(knownHosts, addresses.map((address) => `[${address}]:${port} ${hostKey}\n`).join(''))
  const identityFile = join(scratch, `key_${count}`)
  await writeFile(identityFile, generateKeyPair('bench').privateKey, { mode: 0o600 })
  return {
    hosts: addresses.map((address) => ({ name: address, address, port, user: 'deploy', labels: {} })),
    settings: {
      identityFile: [identityFile],
      knownHosts: [knownHosts],
      agent: false,
      config: false,
      retries: 0,
    },
    stop: () => servers.disconnect(),
  }
}
