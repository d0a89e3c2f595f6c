import type { GuardEnds, GuardSurvives } from '../remote/facts.js'

export interface GuardView {
  readonly user: { readonly name: string }
  readonly guardSurvives?: GuardSurvives
  readonly guardEnds?: GuardEnds
}

/** Why the guard of an unconfirmed switch would not be there after a reboot, and what to do about it; undefined when it would, or was chosen so. */
export function weakGuard({
  user,
  guardSurvives,
  guardEnds,
}: GuardView): { readonly text: string; readonly fix: string } | undefined {
  if (guardSurvives === undefined || guardSurvives === 'reboot' || guardEnds === 'off') return undefined
  if (guardSurvives === 'none')
    return {
      text: 'a switch that nobody confirms may not be undone: nothing starts a process in a session of its own',
      fix: 'Install util-linux (setsid), perl or python3.',
    }
  const text = 'a switch that nobody confirms would not be undone after a reboot'
  if (guardEnds === 'path') return { text, fix: 'Use a target.path of letters, digits and ._-/ only.' }
  return {
    text,
    fix: `Install and start cron, or let systemd start what is ${user.name}'s at boot: sudo loginctl enable-linger ${user.name}`,
  }
}
