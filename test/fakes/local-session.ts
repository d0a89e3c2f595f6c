import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import type { Ended, ExecOptions, Host, Session } from '../../src/ports.js'

/**
 * What goes wrong with a call. `before`: the line goes before the host hears of it. `after`: the host did everything, but
 * its answer is lost. `middle`: the line goes while the payload is on its way, or while the host is at work. `silent`: no
 * answer until the time is up. `corrupt`: one byte of the payload is another one. `late`: the line goes, and the host, which was frozen, hears the
 * call when the test says so, or just before a call that has the fault `thaw`: one for each.
 */
export type FaultKind = 'before' | 'middle' | 'after' | 'silent' | 'corrupt' | 'late' | 'thaw'

export interface Fault {
  /** Of the agent; undefined: any. */
  readonly verb?: string
  readonly kind: FaultKind
}

/** What a session needs to know of its host. */
export interface Place {
  readonly home: string
  /** Notes the call, and gives the fault that it must suffer. */
  begin(verb: string): FaultKind | undefined
  /** The host is there and answers. */
  readonly reachable: boolean
  sleep(ms: number): Promise<void>
  /** Takes a call that the host hears later. */
  hold(call: () => Promise<unknown>): void
  /** Hears the first calls that it holds. */
  hearLate(most: number): Promise<unknown>
  working(by: 1 | -1): void
}

const lost = (because: string): Ended => ({ kind: 'lost', because })

/** A session whose commands run by a real /bin/sh on this machine, as sshd runs them. */
export class LocalSession implements Session {
  readonly host: Host
  readonly #place: Place
  #alive = true

  constructor(host: Host, place: Place) {
    this.host = host
    this.#place = place
  }

  get alive(): boolean {
    return this.#alive && this.#place.reachable
  }

  async exec(command: string, options: ExecOptions): Promise<Ended> {
    if (!this.alive) return this.#hangUp('the connection was lost')
    const { line, rest } = await split(options.stdin)
    const verb = /set -- '[0-9a-f]+' '([a-z]+)'/.exec(line.toString())?.[1] ?? 'none'
    const fault = this.#place.begin(verb)
    if (fault === 'before') return this.#hangUp('the connection was reset')
    if (fault === 'late') {
      // To its end, and nobody listens.
      this.#place.hold(() => this.#run(command, { timeout: options.timeout }, { line, rest, fault }))
      return this.#hangUp('the host was silent for 45 s')
    }
    if (fault === 'silent') {
      await this.#place.sleep(options.timeout)
      return this.#hangUp(`no answer within ${options.timeout / 1000} s`)
    }
    this.#place.working(1)
    try {
      if (fault === 'thaw') await this.#place.hearLate(1)
      return await this.#run(command, options, { line, rest, fault })
    } finally {
      this.#place.working(-1)
    }
  }

  async #run(
    command: string,
    options: ExecOptions,
    { line, rest, fault }: { line: Buffer; rest: AsyncIterable<Buffer>; fault: FaultKind | undefined },
  ): Promise<Ended> {
    const { home } = this.#place
    const env = { PATH: process.env.PATH, HOME: home, DELIVER_BOOT_GUARD: 'off' }
    const child = spawn('/bin/sh', ['-c', command], { cwd: home, env, detached: true })
    child.stdin.on('error', () => undefined)
    const deaf = fault === 'after' || fault === 'middle'
    child.stdout.on('data', (chunk: Buffer) => deaf || options.onStdout?.(chunk))
    child.stderr.on('data', (chunk: Buffer) => deaf || options.onStderr?.(chunk))
    const closed = once(child, 'close')
    const sent = send(child.stdin, line, rest, fault)
    if (fault === 'middle') {
      await sent
      // What is under way on the host goes on without us; tests don't outlive it.
      this.#place.working(1)
      void closed.then(() => this.#place.working(-1))
      return this.#hangUp('the connection was reset by the peer')
    }
    await sent
    await closed
    if (fault === 'after') return this.#hangUp('the connection was lost before the answer')
    if (options.signal?.aborted === true) return lost('interrupted')
    return child.signalCode === null
      ? { kind: 'exit', code: child.exitCode ?? -1 }
      : { kind: 'signal', signal: child.signalCode }
  }

  #hangUp(because: string): Ended {
    this.#alive = false
    return lost(`${this.host.name}: ${because}`)
  }

  async openTcp(address: { readonly host: string; readonly port: number }) {
    const socket = connect(address)
    await once(socket, 'connect')
    return socket
  }

  close(): Promise<void> {
    this.#alive = false
    return Promise.resolve()
  }
}

/** The call is the first line of what the command reads. */
async function split(
  stdin: ExecOptions['stdin'],
): Promise<{ readonly line: Buffer; readonly rest: AsyncIterable<Buffer> }> {
  const source = Buffer.isBuffer(stdin) ? Readable.from([stdin]) : (stdin ?? Readable.from([]))
  const chunks = source[Symbol.asyncIterator]()
  let line = Buffer.alloc(0)
  while (!line.includes(0x0a)) {
    const next: IteratorResult<unknown> = await chunks.next()
    if (next.done === true) break
    if (Buffer.isBuffer(next.value)) line = Buffer.concat([line, next.value])
  }
  const end = line.indexOf(0x0a) + 1
  const first = line.subarray(end)
  return {
    line: line.subarray(0, end),
    rest: (async function* () {
      if (first.length > 0) yield first
      for (;;) {
        const next: IteratorResult<unknown> = await chunks.next()
        if (next.done === true) return
        if (Buffer.isBuffer(next.value)) yield next.value
      }
    })(),
  }
}

async function send(
  to: Writable,
  line: Buffer,
  rest: AsyncIterable<Buffer>,
  fault: FaultKind | undefined,
): Promise<void> {
  to.write(line)
  for await (const chunk of rest) {
    if (fault === 'middle') {
      to.write(chunk.subarray(0, chunk.length >> 1))
      break
    }
    const bytes = Buffer.from(chunk)
    if (fault === 'corrupt') bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
    if (to.destroyed) break
    if (!to.write(bytes)) await writable(to)
  }
  to.end()
}

/** The command may end without reading everything. */
function writable(to: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.on('drain', done)
    to.on('close', done)
  })
}
