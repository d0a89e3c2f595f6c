import type { HostFacts } from '../remote/facts.js'
import { readRechecked } from '../remote/readings.js'
import { recheck } from '../remote/verbs.js'
import { limits, type Run, type RunHost } from './run.js'

export type Rechecked =
  | { readonly kind: 'as-staged' }
  /** With what is left on the host. */
  | { readonly kind: 'put-away'; readonly facts: HostFacts }
  | { readonly kind: 'failed'; readonly because: string }

const attempts = 2

/**
 * A release that a host has from before is what was deployed then, or goes: what ran may have written to its own files. A host that doesn't
 * answer is asked once more. Never rejects.
 */
export async function recheckRelease(
  run: Run,
  { host, facts }: { readonly host: RunHost; readonly facts: HostFacts },
  release: string,
): Promise<Rechecked> {
  const call = recheck({ fence: run.fence, release })
  let because = ''
  for (let attempt = 1; attempt <= attempts && !run.stop.aborted; attempt++) {
    const reading = readRechecked(await host.link.call(call, { timeout: limits.change, signal: run.stop }))
    if (reading.kind === 'ok') {
      const { altered, missing } = reading.value
      if (altered === undefined && !missing) return { kind: 'as-staged' }
      const text = `${release} was changed on the host after it was staged, and is sent again: ${altered}. Does the app write to its own files?`
      if (altered !== undefined) run.reporter.event({ type: 'warning', host: host.name, text })
      const releases = facts.releases.filter((each) => each.release !== release)
      return { kind: 'put-away', facts: { ...facts, releases } }
    }
    because = reading.kind === 'refused' ? reading.text : reading.because
    if (reading.kind === 'refused') break
  }
  return { kind: 'failed', because: because === '' ? 'interrupted' : because }
}
