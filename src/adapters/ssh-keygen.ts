import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeliverError } from '../errors.js'
import { signatureNamespace } from '../release/statement.js'
import { startProcess, type ProcessEnd } from './process.js'

/** Milliseconds: a key of the agent may ask for a touch. */
const patience = 60_000
const most = 64 * 1024

interface Keygen {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
}

/** Signs a statement with a private key file, or a public one whose private key the ssh agent has. The armour's base64, on one line. */
export async function signStatement(keygen: Keygen, key: string, statement: string): Promise<string> {
  const { end, stdout, stderr } = await run(
    keygen,
    ['-Y', 'sign', '-n', signatureNamespace, '-f', key],
    statement,
  )
  const body = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----$/m.exec(
    stdout,
  )?.[1]
  if (end.kind === 'exit' && end.code === 0 && body !== undefined) return body.replaceAll('\n', '')
  throw new DeliverError('precondition', `signing.key: ${key} can't sign: ${whyNot(end, stderr)}`, {
    fix: 'It takes a private key without a passphrase, or a public key whose private key the ssh agent (SSH_AUTH_SOCK) has.',
  })
}

/** Whether one of the file's keys that may sign for `identity` made this signature. Throws when that can't be found out. */
export async function verifyStatement(
  keygen: Keygen,
  signed: {
    readonly allowedSigners: string
    readonly identity: string
    readonly statement: string
    readonly signature: string
  },
): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'deliver-signature-'))
  try {
    const file = join(directory, 'signature')
    const armoured = `-----BEGIN SSH SIGNATURE-----\n${signed.signature}\n-----END SSH SIGNATURE-----\n`
    await writeFile(file, armoured, { mode: 0o600 })
    const names = ['-I', signed.identity, '-n', signatureNamespace]
    const args = ['-Y', 'verify', '-f', signed.allowedSigners, ...names, '-s', file]
    const { end, stderr } = await run(keygen, args, signed.statement)
    if (end.kind === 'exit') return end.code === 0
    throw new DeliverError('failed', `ssh-keygen can't verify a signature: ${whyNot(end, stderr)}`, {
      fix: 'Install OpenSSH 8.2 or newer, and see that ssh-keygen runs.',
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function run(
  { env, signal }: Keygen,
  args: readonly string[],
  input: string,
): Promise<{ readonly end: ProcessEnd; readonly stdout: string; readonly stderr: string }> {
  // Nobody can answer a prompt.
  const quiet = { ...env, SSH_ASKPASS_REQUIRE: 'never', LC_ALL: 'C' }
  const child = startProcess({
    command: 'ssh-keygen',
    args,
    cwd: '/',
    env: quiet,
    stdin: 'pipe',
    timeout: patience,
    signal,
  })
  child.stdin?.end(input)
  const texts = { stdout: '', stderr: '' }
  const read = (['stdout', 'stderr'] as const).map(
    (name) =>
      new Promise((resolve) => {
        child[name].on('data', (chunk: Buffer) => {
          if (texts[name].length < most) texts[name] += chunk.toString()
        })
        child[name].on('error', () => undefined).on('close', resolve)
      }),
  )
  const end = await child.ended
  await Promise.all(read)
  return { end, ...texts }
}

function whyNot(end: ProcessEnd, stderr: string): string {
  if (end.kind === 'not-started')
    return end.missing ? 'there is no ssh-keygen (OpenSSH 8.1 or newer)' : end.because
  if (end.kind === 'timeout') return `nothing happened for ${patience / 1000} s`
  return stderr.trim().split('\n').at(-1) ?? `it ended with ${JSON.stringify(end)}`
}
