import type { CheckFacts, Looked } from './facts.js'
import type { Finding } from './finding.js'
import { judgeFleet } from './fleet.js'
import { judgeConfig, judgeGit, judgeSecrets, judgeTools } from './here.js'
import { judgeHost } from './host.js'
import { judgeBegun, judgeLock, judgePointer, judgeStore } from './store.js'

/** All findings, in the order in which things depend on each other. Pure: `facts` is all that counts. */
export function judge(facts: CheckFacts): readonly Finding[] {
  const config = seen(facts.config)
  const lock = seen(facts.lock)
  const intended = seen(facts.pointer)?.current?.release
  const store = facts.store === undefined ? [] : judgeStore(facts.store, config)
  // One bucket that isn't there, or one right, is one finding.
  const isTold = (looked: Looked<unknown>): boolean =>
    looked.kind === 'failed' && store.some(({ fix }) => fix !== undefined && fix === looked.trouble.fix)
  return [
    ...judgeConfig(facts.config),
    ...judgeSecrets(facts.secrets),
    ...judgeGit(facts.git),
    ...judgeTools(facts.tools, config),
    ...store,
    ...(facts.lock === undefined || isTold(facts.lock) ? [] : judgeLock(facts.lock)),
    ...(facts.begun === undefined || isTold(facts.begun) ? [] : judgeBegun(facts.begun, lock)),
    ...(facts.pointer === undefined || isTold(facts.pointer) ? [] : judgePointer(facts.pointer)),
    ...(facts.fleet === undefined ? [] : judgeFleet(facts.fleet, lock)),
    ...(config === undefined
      ? []
      : facts.hosts.flatMap((host) => judgeHost(host, { config, lock, intended }))),
  ]
}

/** Whether there is nobody to deploy to: an exit code of its own. */
export function isWithoutHosts({ fleet }: CheckFacts): boolean {
  if (fleet === undefined) return false
  return fleet.kind === 'failed' ? fleet.trouble.kind === 'noHosts' : fleet.value.hosts === 0
}

function seen<T>(looked: Looked<T> | undefined): T | undefined {
  return looked?.kind === 'seen' ? looked.value : undefined
}
