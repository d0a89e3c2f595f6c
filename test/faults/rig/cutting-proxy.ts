import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Cuts the next connection after so many bytes to the host (`up`) or from it (`down`). */
export interface Cut {
  readonly direction: 'up' | 'down'
  readonly after: number
}

/** A network that fails on demand, before one host. */
export class CuttingProxy {
  /** Bytes of the latest connection. */
  counted = { up: 0, down: 0 }
  /** Connections that came by. */
  connections = 0
  /** No connection gets through. */
  down = false
  #cut: Cut | undefined
  readonly #sockets = new Set<Socket>()

  private constructor(
    readonly port: number,
    readonly target: number,
    readonly server: Server,
  ) {}

  static async before(target: number): Promise<CuttingProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new CuttingProxy((server.address() as AddressInfo).port, target, server)
    server.on('connection', (socket) => proxy.#pass(socket))
    return proxy
  }

  cutNext(cut: Cut): void {
    this.#cut = cut
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  #pass(client: Socket): void {
    this.connections += 1
    if (this.down) return void client.destroy()
    const cut = this.#cut
    this.#cut = undefined
    const counted = { up: 0, down: 0 }
    this.counted = counted
    const host = connect(this.target, '127.0.0.1')
    const end = () => {
      client.destroy()
      host.destroy()
    }
    for (const socket of [client, host]) {
      this.#sockets.add(socket)
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    const relay = (direction: Cut['direction'], from: Socket, to: Socket) =>
      from.on('data', (chunk: Buffer) => {
        const room = cut?.direction === direction ? cut.after - counted[direction] : chunk.length
        counted[direction] += chunk.length
        if (room >= chunk.length) {
          if (!to.write(chunk)) from.pause()
          return
        }
        // The last bytes arrive before the line goes dead, as on a real one.
        to.write(chunk.subarray(0, room), end)
      })
    relay('up', client, host)
    relay('down', host, client)
    client.on('drain', () => host.resume())
    host.on('drain', () => client.resume())
    if (cut?.after === 0) end()
  }
}
