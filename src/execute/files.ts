import { createHash } from 'node:crypto'
import { adviceOf } from '../errors.js'
import type { HostStep } from '../plan/types.js'
import { readFile } from '../remote/readings.js'
import { file, fileBody } from '../remote/verbs.js'
import { limits, type HostFile, type Run, type RunHost } from './run.js'

const attempts = 2

/**
 * Writes the files of values and secrets for a release that is staged on a host. Why it failed; undefined when it didn't. Never
 * rejects.
 */
export async function writeFiles(
  run: Run,
  host: RunHost,
  step: Pick<HostStep, 'to' | 'act'>,
): Promise<string | undefined> {
  let files: readonly HostFile[]
  try {
    files = (await run.files?.()) ?? []
  } catch (error) {
    return adviceOf(error)
  }
  for (const each of files) {
    const written = await writeFile(run, host, step.to, each)
    if ('because' in written) return `${each.path} was not written: ${written.because}`
    if (!written.changed) continue
    const when = step.act === 'verify' ? '; the app reads it when it is restarted' : ''
    run.reporter.event({ type: 'note', host: host.name, text: `${each.path} written for ${step.to}${when}` })
  }
  return undefined
}

/** One whose end didn't come is written again: it is the same file. */
async function writeFile(
  run: Run,
  host: RunHost,
  release: string,
  { path, mode, content }: HostFile,
): Promise<{ readonly changed: boolean } | { readonly because: string }> {
  const sha256 = createHash('sha256').update(content).digest('hex')
  const call = file({ fence: run.fence, release, path, mode })
  const stdin = fileBody(content, sha256)
  let because = ''
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const reading = readFile(await host.link.call(call, { stdin, timeout: limits.change, signal: run.stop }))
    if (reading.kind === 'ok') return reading.value
    because = reading.kind === 'refused' ? reading.text : reading.because
    if (reading.kind === 'refused' || run.stop.aborted) break
  }
  return { because }
}
