import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'

/** One request in the query protocol of EC2, Auto Scaling and the load balancers. */
export interface AwsCall {
  readonly action: string
  readonly parameters: URLSearchParams
}

/** An answer instead of the emulator's. */
export interface AwsAnswer {
  readonly status: number
  readonly body: string
}

export interface AwsProxy {
  readonly endpoint: string
  /** What was asked, in order. */
  readonly calls: AwsCall[]
  /** Answers by itself, changes the parameters, or lets the call through by giving undefined. */
  before: (call: AwsCall) => AwsAnswer | undefined
  /** Changes the emulator's answer. */
  after: (call: AwsCall, body: string) => string | Promise<string>
  stop(): Promise<void>
}

/** An error as these services write it. */
export function awsFault(status: number, code: string, message = code): AwsAnswer {
  const body = `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestID>r-1</RequestID></Response>`
  return { status, body }
}

/** Stands in front of the emulator: shows what is asked of it, and does what real AWS does and the emulator never would. */
export async function startAwsProxy(target: string): Promise<AwsProxy> {
  const { hostname, port } = new URL(target)
  const proxy: AwsProxy = {
    endpoint: '',
    calls: [],
    before: () => undefined,
    after: (_call, body) => body,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch((error: unknown) => {
      outgoing.writeHead(500)
      outgoing.end(String(error))
    })
  })

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const parameters = new URLSearchParams((await bodyOf(incoming)).toString())
    const call = { action: parameters.get('Action') ?? '', parameters }
    proxy.calls.push(call)
    const own = proxy.before(call)
    if (own !== undefined) {
      outgoing.writeHead(own.status, { 'content-type': 'text/xml' })
      outgoing.end(own.body)
      return
    }
    const body = Buffer.from(parameters.toString())
    const headers = { ...incoming.headers, 'content-length': String(body.length) }
    const { url, method } = incoming
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ hostname, port, path: url, method, headers }, resolve).on('error', reject).end(body)
    })
    const text = await proxy.after(call, (await bodyOf(answer)).toString())
    outgoing.writeHead(answer.statusCode ?? 500, { 'content-type': 'text/xml' })
    outgoing.end(text)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('no port')
  return Object.assign(proxy, { endpoint: `http://127.0.0.1:${bound.port}` })
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

/** An answer about groups in which every instance is in the state that AWS would move it through. */
export function inState(body: string, stateOf: (id: string) => string): string {
  const members = /<member>(?:(?!<\/member>).)*<InstanceId>(i-\w+)<(?:(?!<\/member>).)*/gs
  return body.replaceAll(members, (member, id: string) =>
    member.replace(/<LifecycleState>[\w:]+</, `<LifecycleState>${stateOf(id)}<`),
  )
}
