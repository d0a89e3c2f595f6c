import type { Clock } from '../../ports.js'
import { DeliverError } from '../../errors.js'
import type { AwsSettings } from './clients.js'
import { awsError, type Advice } from './errors.js'
import { persist } from './persist.js'

/** Milliseconds for all attempts together. */
const deadline = 60_000

export interface Service {
  /** For errors: `Auto Scaling`. */
  readonly name: string
  /** The part of the config that the settings come from. */
  readonly section: string
  readonly settings: AwsSettings
  readonly clock: Clock
  readonly region: () => Promise<string>
}

export interface Asking {
  /** `listing groups` */
  readonly doing: string
  /** `autoscaling:DescribeAutoScalingGroups` */
  readonly permission: string
  /** Codes that mean something of their own in this request. */
  readonly known?: Readonly<Record<string, Advice>>
  readonly signal?: AbortSignal | undefined
}

/** Asks a service: again while the failure may pass, for a minute at most; then with an error in our words. */
export async function request<T>(
  { name, section, settings, clock, region }: Service,
  { doing, permission, known, signal }: Asking,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const where = `${name} in ${await regionOr(section, region)}`
  try {
    return await persist(work, { clock, signal, deadline })
  } catch (error) {
    const about = { where, doing, permission, section, settings, ...(known === undefined ? {} : { known }) }
    throw awsError(error, about)
  }
}

/** The SDK's own words for a region that is set nowhere don't tell where to set it. */
async function regionOr(section: string, region: () => Promise<string>): Promise<string> {
  try {
    return await region()
  } catch (cause) {
    throw new DeliverError('usage', `${section}.region: no AWS region is set`, {
      fix: `Set ${section}.region, AWS_REGION, or the region of the profile.`,
      cause,
    })
  }
}
