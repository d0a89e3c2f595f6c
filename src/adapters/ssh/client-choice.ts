import type { Host, Session, Transport } from '../../ports.js'
import { needsOpenSsh } from './needs-openssh.js'
import { KnownHostsFiles } from './known-hosts-files.js'
import { checkedHost } from './names.js'
import { surroundings } from './surroundings.js'
import type { SshTransportOptions } from './surroundings.js'
import type { Surroundings } from './destination.js'
import { lazily } from '../../lazily.js'

const loadOpenSsh = lazily(() => import('./openssh/transport.js'))
const loadLibrary = lazily(() => import('./transport.js'))

type Client = 'ssh2' | 'openssh'

/** Connects to hosts by the client that the config names; `auto` chooses for each host, and says why when it is OpenSSH. */
export function createSshTransport(options: SshTransportOptions): Transport {
  return new ChosenTransport(options)
}

class ChosenTransport implements Transport {
  readonly #options: SshTransportOptions
  readonly #around: Surroundings
  readonly #known = new KnownHostsFiles()
  readonly #opened = new Map<Client, Promise<Transport>>()
  readonly #told = new Set<string>()

  constructor(options: SshTransportOptions) {
    this.#options = options
    this.#around = surroundings(options)
  }

  async connect(host: Host, signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted()
    const transport = await this.#open(await this.#choose(host))
    return transport.connect(host, signal)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(async (opened) => (await opened).close()))
  }

  async #choose({ name, address, port, user }: Host): Promise<Client> {
    const client = this.#options.ssh.client ?? 'auto'
    if (client !== 'auto') return client
    const asked = {
      label: name,
      address: checkedHost(address, name),
      ...(port === undefined ? {} : { port }),
      ...(user === undefined ? {} : { user }),
    }
    const reason = await needsOpenSsh(asked, this.#around, this.#known)
    if (reason === undefined) return 'ssh2'
    if (!this.#told.has(reason)) {
      this.#told.add(reason)
      this.#options.reporter?.event({
        type: 'note',
        text: `hosts are reached by the system's ssh, where their ssh config needs it (${reason})`,
      })
    }
    return 'openssh'
  }

  #open(client: Client): Promise<Transport> {
    const opened = this.#opened.get(client) ?? load(client, this.#options)
    this.#opened.set(client, opened)
    return opened
  }
}

async function load(client: Client, options: SshTransportOptions): Promise<Transport> {
  if (client === 'openssh') {
    const { createOpenSshTransport } = await loadOpenSsh()
    return createOpenSshTransport(options)
  }
  const { createSsh2Transport } = await loadLibrary()
  return createSsh2Transport(options)
}
