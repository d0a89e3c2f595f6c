import type { Socket } from 'node:net'
import { asError } from '../abort.js'
import type { Channel, ChannelOpener, TcpOpener } from '../channel.js'
import { localPacket, localWindow, MuxChannel } from './mux-channel.js'
import { Fields, sshString, uint32 } from './packet.js'
import type { Frames } from './packet.js'

/** Message numbers of RFC 4254. */
const message = {
  open: 90,
  confirmed: 91,
  refused: 92,
  adjust: 93,
  data: 94,
  extended: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const

const nothing = { window: 0, packet: 0 }

type Done = (error: Error | undefined, channel: Channel) => void

interface Open {
  readonly id: number
  /** The host's number of it; set by its confirmation, and undefined before. */
  remote: number | undefined
  readonly command: string | undefined
  readonly done: Done
  channel: MuxChannel
  /** Once `done` has been told; the host's later answers can't tell it again. */
  told: boolean
}

/** Bytes that wait for the socket before channels must wait, too. */
const buffered = 512 * 1024

/**
 * SSH's connection protocol (RFC 4254) on the control socket of a master, which encrypts, and sends on: commands and TCP
 * connections. Everything is handed on in the order in which it arrives, and at once.
 */
export class MuxConnection implements ChannelOpener, TcpOpener {
  readonly #socket: Socket
  readonly #channels = new Map<number, Open>()
  readonly #onLost: (error: Error | undefined) => void
  #next = 0
  #corked = false

  constructor(socket: Socket, frames: Frames, onLost: (error: Error | undefined) => void) {
    this.#socket = socket
    this.#onLost = onLost
    let failure: Error | undefined
    socket.on('error', (error) => (failure ??= error))
    socket.on('close', () => this.#lost(failure))
    socket.on('drain', () => {
      for (const { channel } of this.#channels.values()) channel.flush()
    })
    const take = (chunk: Buffer) => {
      try {
        frames.push(chunk)
        for (let frame = frames.next(); frame !== undefined; frame = frames.next())
          this.#dispatch(new Fields(frame))
      } catch (error) {
        failure ??= asError(error)
        socket.destroy()
      }
    }
    socket.on('data', take)
    // What came together with the answers before.
    take(Buffer.alloc(0))
  }

  exec(command: string, done: Done): void {
    this.#open('session', Buffer.alloc(0), command, done)
  }

  forwardOut(fromHost: string, fromPort: number, toHost: string, toPort: number, done: Done): void {
    const address = [sshString(toHost), uint32(toPort), sshString(fromHost), uint32(fromPort)]
    this.#open('direct-tcpip', Buffer.concat(address), undefined, done)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #open(type: string, rest: Buffer, command: string | undefined, done: Done): void {
    if (this.#socket.destroyed) throw new Error('the connection was lost')
    const id = this.#next++
    const entry: Open = {
      id,
      remote: undefined,
      command,
      done,
      told: false,
      channel: this.#channel(id, nothing),
    }
    this.#channels.set(id, entry)
    this.#send(message.open, sshString(type), uint32(id), uint32(localWindow), uint32(localPacket), rest)
  }

  #channel(id: number, limits: { readonly window: number; readonly packet: number }): MuxChannel {
    const remote = () => uint32(this.#channels.get(id)?.remote ?? 0)
    const send = (type: number, ...fields: readonly Buffer[]) => {
      if (this.#channels.has(id)) this.#send(type, remote(), ...fields)
    }
    const wire = {
      full: () => this.#socket.destroyed || this.#socket.writableLength > buffered,
      data: (bytes: Buffer) => send(message.data, uint32(bytes.length), bytes),
      adjust: (bytes: number) => send(message.adjust, uint32(bytes)),
      eof: () => send(message.eof),
      close: () => send(message.close),
    }
    return new MuxChannel(wire, limits)
  }

  #dispatch(fields: Fields): void {
    fields.byte() // Padding: none.
    const type = fields.byte()
    if (type < message.open || type > message.failure) return
    const entry = this.#channels.get(fields.uint32())
    if (entry === undefined) return
    // A host answers an open once, and before anything else of the channel: the channel that was handed out must stay the one that is closed.
    const answersOpen = type === message.confirmed || type === message.refused
    if (answersOpen !== (entry.remote === undefined)) return
    switch (type) {
      case message.confirmed:
        return this.#confirmed(entry, fields)
      case message.refused:
        this.#channels.delete(entry.id)
        return tell(entry, refusal(fields.uint32()))
      case message.adjust:
        return entry.channel.widen(fields.uint32())
      case message.data:
        return entry.channel.received(fields.string(), 'stdout')
      case message.extended:
        fields.uint32()
        return entry.channel.received(fields.string(), 'stderr')
      case message.eof:
        return void entry.channel.emit('end')
      case message.close:
        return this.#closed(entry)
      case message.request:
        return this.#requested(entry, fields)
      case message.success:
        return tell(entry)
      case message.failure:
        entry.channel.close()
        return tell(entry, new Error('the host refuses to run commands'))
    }
  }

  #confirmed(entry: Open, fields: Fields): void {
    const remote = fields.uint32()
    entry.channel = this.#channel(entry.id, { window: fields.uint32(), packet: fields.uint32() })
    entry.remote = remote
    if (entry.command === undefined) return tell(entry)
    const wanted = [sshString('exec'), Buffer.from([1]), sshString(entry.command)]
    this.#send(message.request, uint32(remote), ...wanted)
  }

  #requested(entry: Open, fields: Fields): void {
    const type = fields.text()
    const wantsReply = fields.byte() !== 0
    if (type === 'exit-status') entry.channel.emit('exit', fields.uint32())
    else if (type === 'exit-signal') entry.channel.emit('exit', null, signalName(fields.text()))
    else if (wantsReply) this.#send(message.failure, uint32(entry.remote ?? 0))
  }

  #closed(entry: Open): void {
    entry.channel.close()
    this.#channels.delete(entry.id)
    tell(entry, new Error('the host closed the channel at once'))
    entry.channel.closed()
  }

  #send(type: number, ...fields: readonly Buffer[]): void {
    if (this.#socket.destroyed) return
    // Data is not copied: header and bytes leave together by writev, with whatever else is sent in this turn.
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#socket.uncork()
      })
    }
    const last = fields.at(-1) ?? Buffer.alloc(0)
    const head = Buffer.concat([Buffer.from([0, type]), ...fields.slice(0, -1)])
    const length = uint32(head.length + last.length)
    if (last.length < 1024) return void this.#socket.write(Buffer.concat([length, head, last]))
    this.#socket.write(Buffer.concat([length, head]))
    this.#socket.write(last)
  }

  #lost(error: Error | undefined): void {
    this.#onLost(error)
    const all = [...this.#channels.values()]
    this.#channels.clear()
    for (const { channel } of all) channel.closed()
  }
}

function tell(entry: Open, error?: Error): void {
  if (entry.told) return
  entry.told = true
  entry.done(error, entry.channel)
}

/** As ssh2 gives it: with the reason's number, by which a refusal is told from a lost connection. */
function refusal(reason: number): Error {
  return Object.assign(new Error('the host refuses to open a channel'), { reason })
}

/** The host chooses the text. RFC 4254 has names without SIG. */
function signalName(name: string): string {
  return /^[A-Z0-9]{1,16}$/.test(name) ? `SIG${name}` : 'an unknown signal'
}
