import type { ShownPlan } from '../events.js'

/** A plan whose texts may be shown. */
export function cleanPlan(plan: ShownPlan, clean: (text: string) => string): ShownPlan {
  const orNull = (text: string | null): string | null => (text === null ? null : clean(text))
  return {
    ...plan,
    release: clean(plan.release),
    batches: plan.batches.map((batch) => batch.map((host) => clean(host))),
    hosts: plan.hosts.map((step) => ({
      ...step,
      host: clean(step.host),
      from: orNull(step.from),
      to: clean(step.to),
      because: clean(step.because),
    })),
    skipped: plan.skipped.map(({ host, because, runs }) => ({
      host: clean(host),
      because: clean(because),
      runs: orNull(runs),
    })),
  }
}
