import { codes, type Answer } from '../remote/answers.js'
import type { HostFacts, HostState } from '../remote/facts.js'
import { readHostFacts, readState, readSwitch, type Reading } from '../remote/readings.js'
import { activate, confirm, probe, revert, withdraw } from '../remote/verbs.js'
import { readEnd } from './read-end.js'
import { guardTime, limits, readBack, switchLimit, type Run, type RunHost } from './run.js'

/**
 * How a step on a host went. `unknown`: its end never came, and the host couldn't be read afterwards either; what runs
 * there nobody can say.
 */
export type Stepped =
  | { readonly kind: 'ok' }
  | { readonly kind: 'failed'; readonly because: string; readonly log: string; readonly switched: boolean }
  | { readonly kind: 'unknown'; readonly because: string }

const attempts = 2
/** The switch is done, the restart failed. */
const restartCodes: ReadonlySet<number> = new Set([codes.restartFailed, codes.restartTimedOut])
/** Ms until a call that reached the host shows in its state. */
const justHeard = 3_000
const logLines = 30

const withService = (run: Run): object =>
  run.config.service === undefined ? {} : { service: run.config.service }

/** Switches `current` and restarts the service. The switch stays on trial until confirmSwitch. */
export async function activateHost(
  run: Run,
  host: RunHost,
  target: { readonly release: string; readonly digest: string; readonly mayGoBack?: boolean },
): Promise<Stepped> {
  const call = activate({
    fence: run.fence,
    id: run.id,
    release: target.release,
    digest: target.digest,
    // The host's own guard would go back without asking anybody.
    guard: target.mayGoBack === false ? 0 : guardTime(run),
    logLines,
    ...withService(run),
  })
  let last: Stepped = { kind: 'unknown', because: 'nothing was tried' }
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (run.lost.aborted)
      return { kind: 'failed', because: 'the deploy lost its lock', log: '', switched: attempt > 1 }
    const reading = readSwitch(await host.link.call(call, { timeout: switchLimit(run) }))
    if (reading.kind === 'ok') {
      if (reading.value.altered !== undefined) warnAltered(run, host, target.release, reading.value.altered)
      return { kind: 'ok' }
    }
    if (reading.kind === 'refused' && restartCodes.has(reading.code))
      return { kind: 'failed', because: reading.text, log: reading.log, switched: true }
    const because = reading.kind === 'refused' ? reading.text : reading.because
    let facts = await readHost(run, host)
    if (reading.kind === 'unknown' && facts !== undefined && facts.unconfirmed?.id !== run.id) {
      // It may have heard us just now: looking takes no lock, and can be faster than the switch.
      await run.clock.sleep(justHeard)
      facts = await readHost(run, host)
    }
    if (facts === undefined) return { kind: 'unknown', because }
    const switched = facts.unconfirmed?.id === run.id
    last = { kind: 'failed', because, log: reading.log, switched }
    if (reading.kind === 'refused') return last
    if (!switched) continue
    // It heard us. Sent again, it would restart again, so it is asked how that ended; it may still be at it.
    const end = await readEnd(run, host, { verb: 'activate', release: target.release })
    if (end?.code === codes.ok) return { kind: 'ok' }
    if (end !== undefined) return { ...last, because: end.text, log: '' }
  }
  if (last.kind !== 'failed' || last.switched) return last
  const after = await withdrawSwitch(run, host, target.release)
  if (after.kind === 'unknown') return { kind: 'unknown', because: last.because }
  if (after.kind === 'refused' || after.value.unconfirmed?.id !== run.id) return last
  // It heard us meanwhile, and is done with it: it had to be for the lock of the host to be free.
  const end = await readEnd(run, host, { verb: 'activate', release: target.release, within: 0 })
  if (end?.code === codes.ok) return { kind: 'ok' }
  return { ...last, switched: true, ...(end === undefined ? {} : { because: end.text, log: '' }) }
}

/**
 * Sees to it that this run's switch to that release doesn't happen any more, nor a second time: a host that was frozen hears its calls when
 * it thaws, long after we gave them up. Resolves to the host's state from then on; a switch that has happened is still on trial in it.
 */
export async function withdrawSwitch(run: Run, host: RunHost, release: string): Promise<Reading<HostState>> {
  const call = withdraw({ fence: run.fence, id: run.id, release })
  for (let attempt = 1; ; attempt++) {
    const reading = readState(await host.link.call(call, { timeout: limits.change }))
    if (reading.kind === 'ok' || run.lost.aborted || attempt === readBack.tries) return reading
    if (reading.kind === 'refused' && reading.code !== codes.busy) return reading
    if (reading.kind === 'unknown' && attempt === 1) sayThatItIsAsked(run, host, reading.because)
    await run.clock.sleep(readBack.pause)
  }
}

function warnAltered(run: Run, host: RunHost, release: string, path: string): void {
  const text = `${release} is not quite what was deployed: ${path} was changed on the host. Does the app write to its own files? To have it sent anew, deploy another release, and then this one`
  run.reporter.event({ type: 'warning', host: host.name, text })
}

/** Makes the switch final, and reads back that it is. */
export async function confirmSwitch(
  run: Run,
  host: RunHost,
  release: string,
  how: { readonly via: 'deploy' | 'rollback'; readonly markBad?: string },
): Promise<Stepped> {
  const call = confirm({ fence: run.fence, id: run.id, ...how })
  for (let attempt = 1; ; attempt++) {
    const answer = await host.link.call(call, { timeout: limits.change })
    const reading = readState(answer)
    // What was written is read back: by the host itself, in the answer; where none came, in a call of its own.
    const facts = reading.kind === 'ok' ? reading.value : await readHost(run, host)
    if (facts === undefined) return { kind: 'unknown', because: whyOf(answer) }
    const runs = facts.current.kind === 'release' ? facts.current.release : undefined
    if (runs === release && facts.unconfirmed === undefined && facts.good.at(-1) === release)
      return { kind: 'ok' }
    const onTrial = facts.unconfirmed?.id === run.id
    if (reading.kind === 'unknown' && onTrial && attempt < attempts && !run.lost.aborted) continue
    const because =
      reading.kind === 'refused'
        ? reading.text
        : `the host was not found confirmed on ${release} but on ${runs ?? 'nothing'}`
    return { kind: 'failed', because, log: reading.log, switched: onTrial || runs === release }
  }
}

/** Goes back to what ran before this run switched the host, and restarts that. */
export async function revertSwitch(run: Run, host: RunHost): Promise<Stepped> {
  const call = revert({ fence: run.fence, id: run.id, markBad: true, logLines, ...withService(run) })
  let because = ''
  for (let attempt = 1; attempt <= 2; attempt++) {
    const reading = readSwitch(await host.link.call(call, { timeout: switchLimit(run) }))
    if (reading.kind === 'ok') return { kind: 'ok' }
    if (reading.kind === 'refused')
      return { kind: 'failed', because: reading.text, log: reading.log, switched: true }
    because = reading.because
    if ((await readHost(run, host)) === undefined) break
  }
  return { kind: 'unknown', because }
}

/** Reads a host's state, over a new connection if need be; undefined when it stays out of reach. */
export async function readHost(run: Run, host: RunHost): Promise<HostFacts | undefined> {
  for (let attempt = 1; attempt <= readBack.tries; attempt++) {
    if (attempt > 1) await run.clock.sleep(readBack.pause)
    const reading = readHostFacts(await host.link.call(probe(), { timeout: limits.look }))
    if (reading.kind === 'ok') return reading.value
    if (reading.kind === 'refused') return undefined
    // The waits for a host that is frozen are minutes: nobody shall wonder what it is that takes so long.
    if (attempt === 1) sayThatItIsAsked(run, host, reading.because)
  }
  return undefined
}

function sayThatItIsAsked(run: Run, host: RunHost, because: string): void {
  const text = `doesn't answer (${because}); it is asked up to ${readBack.tries - 1} times more what it runs, over minutes if need be`
  run.reporter.event({ type: 'warning', host: host.name, text })
}

function whyOf(answer: Answer): string {
  return answer.kind === 'unknown' ? answer.because : answer.text
}
