/** What a lifecycle state of an instance means to a deploy. */
export type Phase = 'in-service' | 'standby' | 'pending' | 'leaving' | 'unknown'

const phases: Readonly<Record<string, Phase>> = {
  InService: 'in-service',
  EnteringStandby: 'standby',
  Standby: 'standby',
  Pending: 'pending',
  'Pending:Wait': 'pending',
  'Pending:Proceed': 'pending',
  Detaching: 'leaving',
  Detached: 'leaving',
  Terminated: 'leaving',
}

/** Warm pools hold servers that run nothing yet: they go through `Pending` when they are needed. */
export function phaseOf(state: string): Phase {
  if (/^(Terminating|Warmed)(:|$)/.test(state)) return 'leaving'
  return new Map(Object.entries(phases)).get(state) ?? 'unknown'
}
