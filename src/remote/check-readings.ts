import type { Answer, Fact } from './answers.js'
import type { HostFacts, ServiceFacts } from './facts.js'
import { all, first, given, known, oneOf } from './fields.js'
import { hostFacts, serviceFacts } from './fact-shapes.js'
import { read, type Reading } from './reading.js'

/** Where a restart would start the app: from `current`, from one release for ever, or from a place that deploys don't touch. */
export type UnitPlace = 'current' | 'release' | 'elsewhere'

/** What a host told to `deliver check`. */
export interface HostCheck extends HostFacts {
  readonly service: ServiceFacts
  /** Of a unit of systemd that is there. */
  readonly unit?: {
    readonly place: UnitPlace
    /** Its file was changed since systemd read it. */
    readonly stale: boolean
    /** Whether a boot starts it. */
    readonly atBoot: boolean
  }
  /** The command of the restart that sudo allows, and as its rules read only with a password. */
  readonly sudoPassword?: string
  /** What steps that were killed, or are under way, have in the staging area: paths below `.deliver`. */
  readonly leftovers: readonly string[]
  /** Shared paths of the config that are not there, and that staging can't make. */
  readonly sharedMissing: readonly string[]
  /** `shared/` is on another file system than the releases. */
  readonly sharedElsewhere: boolean
  /** The first file outside of `shared/` that isn't the login's, and whose it is. */
  readonly foreignOwner?: string
  /** A file of the current release that was changed since it was staged. */
  readonly altered?: string
}

export function readHostCheck(answer: Answer): Reading<HostCheck> {
  return read(answer, (facts) => ({
    ...hostFacts(facts),
    service: serviceFacts(facts),
    ...given('unit', unit(facts)),
    ...given('sudoPassword', first(facts, 'sudo-password')),
    leftovers: all(facts, 'leftover'),
    sharedMissing: all(facts, 'shared-missing'),
    sharedElsewhere: first(facts, 'shared-elsewhere') === 'yes',
    ...given('foreignOwner', first(facts, 'foreign-owner')),
    ...given('altered', first(facts, 'altered')),
  }))
}

function unit(facts: readonly Fact[]): HostCheck['unit'] {
  const place = known(facts, 'unit-place', (value) =>
    oneOf<UnitPlace>(value, ['current', 'release', 'elsewhere']),
  )
  if (place === undefined) return undefined
  return {
    place,
    stale: first(facts, 'unit-stale') === 'yes',
    atBoot: first(facts, 'unit-at-boot') !== 'no',
  }
}

/** What was removed: paths below `.deliver`. */
export function readSwept(answer: Answer): Reading<readonly string[]> {
  return read(answer, (facts) => all(facts, 'leftover'))
}
