import type { Run } from './run.js'

const told = new WeakMap<Run, Set<string>>()

/** A warning that would be the same for every host of a run is given once in it. */
export function warnOnce(run: Run, about: string, text: string): void {
  const before = told.get(run) ?? new Set()
  told.set(run, before)
  if (before.has(about)) return
  before.add(about)
  run.reporter.event({ type: 'warning', text: `${about}: ${text}` })
}
