import { request as plain, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as encrypted } from 'node:https'

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends it, whatever it waits for. */
  readonly signal: AbortSignal
}

export interface PostAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The beginning of it. */
  readonly body: string
}

/** Nobody needs more of an answer. */
const mostBytes = 64 * 1024

/**
 * One POST on a connection of its own, which keeps no process alive. Redirects are not followed: they would take what is
 * secret elsewhere. What it rejects with names neither address nor headers, which are secrets.
 */
export function post({ url, headers, body, signal }: Post): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(new Error(reasonOf(error)))
    const options = {
      method: 'POST',
      agent: false,
      signal,
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    } as const
    let sent: ClientRequest
    try {
      const address = new URL(url)
      sent = address.protocol === 'https:' ? encrypted(address, options) : plain(address, options)
    } catch (error) {
      failed(error)
      return
    }
    sent.on('error', failed)
    sent.on('response', (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      const done = (): void =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).subarray(0, mostBytes).toString(),
        })
      answer.on('error', failed)
      answer.on('end', done)
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size < mostBytes) return
        done()
        answer.destroy()
      })
    })
    sent.end(body)
  })
}

/** By the code alone: messages of Node may hold a header's value. */
function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string' || !/^[A-Z0-9_]+$/.test(code)) return 'it could not be sent'
  return code.startsWith('ERR_INVALID')
    ? `its address or a header is malformed (${code})`
    : `no connection (${code})`
}
