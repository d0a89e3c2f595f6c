import type { HealthConfig } from '../../config/types.js'
import { run as runCall } from '../../remote/command-verbs.js'
import { lastLine } from '../../remote/last-words.js'
import { readRun } from '../../remote/readings.js'
import type { HostLink } from '../link.js'
import type { Probe } from './probe.js'

/** Good is exit code 0 of the command, run on the host in the current release. */
export async function probeCommand(
  check: Extract<HealthConfig['check'], { kind: 'command' }>,
  link: HostLink,
  timeout: number,
  signal?: AbortSignal,
): Promise<Probe> {
  const answer = await link.call(runCall({ command: check.command, directory: 'current', timeout }), {
    // The host ends the command at `timeout`, and kills it 10 s later; ours only catches a host that doesn't answer.
    timeout: timeout + 15_000,
    ...(signal === undefined ? {} : { signal }),
  })
  const ran = readRun(answer)
  if (ran.kind === 'unknown') return { ok: false, because: ran.because }
  if (ran.kind === 'refused') return { ok: false, because: ran.text }
  if (ran.value.exit === 0) return { ok: true }
  const how = ran.value.exit === undefined ? 'did not end in time' : `exited ${ran.value.exit}`
  const said = lastLine(ran.log)
  return { ok: false, because: `the command ${how}${said === '' ? '' : `: ${said}`}` }
}
