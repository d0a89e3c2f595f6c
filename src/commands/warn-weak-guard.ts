import type { Probed } from '../execute/facts.js'
import { guardTime, type Run } from '../execute/run.js'
import { weakGuard } from '../plan/guard.js'
import { listed } from '../report/units.js'

/** Once for all hosts on which an unconfirmed switch would stay after a reboot: no reason not to deploy, and good to know before it happens. */
export function warnWeakGuard(run: Run, ready: readonly Extract<Probed, { kind: 'ready' }>[]): void {
  if (guardTime(run) === 0) return
  const hosts = new Map<string, string[]>()
  for (const { host, facts } of ready) {
    const weak = weakGuard(facts)
    if (weak === undefined) continue
    const text = `${weak.text}. ${weak.fix}`
    hosts.set(text, [...(hosts.get(text) ?? []), host.name])
  }
  for (const [text, names] of hosts)
    run.reporter.event({ type: 'warning', text: `${listed(names)}: ${text}` })
}
