import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { afterAll } from 'vitest'

export interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly requests: readonly Request[]
  /** Bodies as JSON. */
  readonly sent: () => readonly Readonly<Record<string, unknown>>[]
  readonly close: () => Promise<void>
}

const open: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of open.splice(0)) await close()
})

/** A real server on this machine that keeps what it is sent. `answer` may answer, late or never. */
export async function receiver(
  answer: (response: ServerResponse, request: Request) => void = (response) => response.end('ok'),
): Promise<Receiver> {
  const requests: Request[] = []
  const server = createServer((incoming, response) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text))
    incoming.on('end', () => {
      const request = { path: incoming.url ?? '', headers: incoming.headers, body }
      requests.push(request)
      answer(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  open.push(close)
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    sent: () => requests.map(({ body }) => fieldsOf(body)),
    close,
  }
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(body)
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${body}`)
  return { ...value }
}

/** Slack's API as far as a bot needs it. */
export function slackApi(refuse: Readonly<Record<string, string>> = {}): Promise<Receiver> {
  let number = 0
  return receiver((response, { path }) => {
    const method = path.split('/').at(-1) ?? ''
    const error = refuse[method]
    response.setHeader('content-type', 'application/json')
    const answer =
      error === undefined ? { ok: true, channel: 'C1', ts: `${++number}.0` } : { ok: false, error }
    response.end(JSON.stringify(answer))
  })
}
