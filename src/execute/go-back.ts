import type { Event } from '../plan/machine/state.js'
import type { Member } from './fleet-watch.js'
import { returnHost } from './return-host.js'
import { hostState, type Run } from './run.js'
import { settle } from './settle.js'
import { tellLog } from './tell-log.js'
import { readHost } from './switch.js'

/** Brings one host back to what it ran, waits until that is healthy, and says what runs in the end. Never rejects. */
export async function goBack(run: Run, member: Member, because: string): Promise<Event> {
  const { host } = member.probed
  const stuck = (why: string, runs: string | null | undefined): Event => ({
    kind: 'stuck',
    host: host.name,
    because: `${why} (after: ${because})`,
    runs,
  })
  if (run.lost.aborted) return stuck('the deploy lost its lock', undefined)
  hostState(run, host.name, 'rolling-back', because)
  const returned = await returnHost(run, member)
  const facts = await readHost(run, host)
  const runs =
    facts === undefined ? undefined : facts.current.kind === 'release' ? facts.current.release : null
  if (returned.kind === 'failed') tellLog(run, host.name, returned.log)
  if (returned.kind !== 'ok') return stuck(returned.because, runs)
  if (runs === undefined) return stuck('it could not be read afterwards', runs)
  if (runs !== null) {
    const settled = await settle(run, host, runs)
    if (settled.kind === 'unhealthy') {
      tellLog(run, host.name, settled.log)
      return stuck(`${runs}: ${settled.because}`, runs)
    }
  }
  return { kind: 'returned', host: host.name, runs }
}
