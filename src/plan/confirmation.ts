import type { ConfirmWhen } from '../config/types.js'

/** A release, as far as the question matters whether a person must say yes to it. */
export interface Confirmable {
  readonly release: string
  readonly appVersion?: string
  /** Why it was marked. */
  readonly confirm?: string
}

/** Why a person must say yes before this release switches any host; empty: nobody must. `running`: what it replaces. */
export function reasonsToConfirm(
  when: readonly ConfirmWhen[],
  next: Confirmable,
  running: readonly Confirmable[],
): readonly string[] {
  const reasons: string[] = []
  if (when.includes('always')) reasons.push('every release needs it')
  if (when.includes('marked') && next.confirm !== undefined) reasons.push(`it is marked: ${next.confirm}`)
  if (when.includes('major')) {
    const jump = running.map((old) => majorJump(next, old)).find((each) => each !== undefined)
    if (jump !== undefined) reasons.push(jump)
  }
  return reasons
}

/** A version that is not known may be anything, so that it needs a person too. */
function majorJump(next: Confirmable, old: Confirmable): string | undefined {
  const [to, from] = [majorOf(next), majorOf(old)]
  if (to === undefined) return `the major version of ${next.release} is not known`
  if (from === undefined) return `the major version of ${old.release}, which runs, is not known`
  if (to <= from) return undefined
  return `${next.appVersion ?? ''} is a new major version: ${old.release} is ${old.appVersion ?? ''}`
}

function majorOf({ appVersion }: Confirmable): number | undefined {
  const major = /^(\d{1,9})\./.exec(appVersion ?? '')?.[1]
  return major === undefined ? undefined : Number(major)
}
