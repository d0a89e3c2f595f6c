import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Ended, Session } from '../ports.js'
import { agentProgram } from '../remote/agent-program.js'
import { AnswerReader, codes, type Answer } from '../remote/answers.js'
import { callLine, inlineLine, installCall, remoteCommand, type AgentCall } from '../remote/wire.js'

export interface AgentCallOptions {
  /** The call's payload. A stream is opened anew for each attempt, and destroyed after it. */
  readonly stdin?: Buffer | (() => Readable)
  /** Milliseconds, as of `Session.exec`. */
  readonly timeout: number
  readonly idleTimeout?: number
  readonly signal?: AbortSignal
  /** Hides secrets in log text. */
  readonly redact?: (text: string) => string
  /** Each line of log text as it comes. */
  readonly onLog?: (line: string) => void
  /** Bytes of the payload that the connection took so far. */
  readonly onSent?: (bytes: number) => void
}

/**
 * Asks the agent of one host. Never rejects for what happens on the host or the line: a call whose end line didn't come is
 * `unknown`. A host without this version's agent gets it first; for a call that only looks, it is run without a trace.
 */
export async function callAgent(
  session: Session,
  path: string,
  call: AgentCall,
  options: AgentCallOptions,
): Promise<Answer> {
  const program = agentProgram()
  const answer = await send(
    session,
    options,
    (nonce) => callLine({ path, nonce, call }, program),
    options.stdin,
  )
  if (answer.kind === 'unknown' || answer.code !== codes.needAgent) return answer
  if (call.readOnly)
    return send(session, options, (nonce) => inlineLine({ path, nonce, call }, program), program.text)
  const install = installCall(program)
  const bare = { ...options, onSent: () => {} }
  const installed = await send(
    session,
    bare,
    (nonce) => inlineLine({ path, nonce, call: install }, program),
    program.text,
  )
  if (installed.kind === 'unknown' || installed.code !== codes.ok) return installed
  return send(session, options, (nonce) => callLine({ path, nonce, call }, program), options.stdin)
}

async function send(
  session: Session,
  options: AgentCallOptions,
  lineFor: (nonce: string) => Buffer,
  payload: AgentCallOptions['stdin'],
): Promise<Answer> {
  const nonce = randomBytes(8).toString('hex')
  const line = lineFor(nonce)
  const reader = new AnswerReader(nonce, options.onLog, options.redact)
  const { timeout, idleTimeout, signal, onSent } = options
  const stdin = withPayload(line, payload)
  try {
    const ended = await session.exec(remoteCommand, {
      stdin,
      timeout,
      ...(idleTimeout === undefined ? {} : { idleTimeout }),
      ...(signal === undefined ? {} : { signal }),
      ...(onSent === undefined ? {} : { onSent: (bytes) => onSent(Math.max(0, bytes - line.length)) }),
      onStdout: (chunk) => reader.stdout(chunk),
      onStderr: (chunk) => reader.stderr(chunk),
    })
    return reader.finish(endedWithoutAnswer(ended))
  } finally {
    if (stdin instanceof Readable) stdin.destroy()
  }
}

function withPayload(line: Buffer, payload: AgentCallOptions['stdin']): Buffer | Readable {
  if (payload === undefined) return line
  if (Buffer.isBuffer(payload)) return Buffer.concat([line, payload])
  const open = payload
  return Readable.from(
    (async function* () {
      yield line
      for await (const chunk of open()) yield chunk
    })(),
    { objectMode: false },
  )
}

function endedWithoutAnswer(ended: Ended): string {
  switch (ended.kind) {
    case 'exit':
      return `the command ended with exit code ${ended.code} before it told its result`
    case 'signal':
      return `the command was killed by ${ended.signal} before it told its result`
    case 'lost':
      return ended.because
  }
}
