import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Place } from '../../config/types.js'
import { DeliverError } from '../../errors.js'
import type { Clock } from '../../ports.js'
import { clientOptions, type ClientTuning } from '../aws/clients.js'
import { awsError, type Advice } from '../aws/errors.js'
import { defaultRetryFor, persist, type Persistence } from '../aws/persist.js'
import { loadS3 } from '../aws/sdk.js'

export type S3Sdk = Awaited<ReturnType<typeof loadS3>>
export type BucketPlace = Omit<S3Place, 'kind'>

export interface OpenBucket {
  readonly place: BucketPlace
  readonly clock: Clock
  readonly tuning?: ClientTuning
  /** Milliseconds that no request is repeated longer than. */
  readonly retryFor?: number
}

/** A bucket, the part of it that is ours, and how it is asked. */
export interface Bucket {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly place: BucketPlace
  /** `s3://builds/apps`. */
  readonly where: string
  /** One request, repeated while it may help. Rejects with the SDK's own errors. */
  send<T>(work: (signal: AbortSignal) => Promise<T>, how?: Partial<Persistence>): Promise<T>
  /** Turns what `work` rejects with into a DeliverError, about doing that and needing this permission. */
  inWords<T>(doing: string, permission: string, work: () => Promise<T>): Promise<T>
  translate(doing: string, permission: string, error: unknown): unknown
  /** The server's clock when it gave this answer, in ms since 1970. */
  timeOf(answer: object): number
  /** Whether checksums go along: AWS_REQUEST_CHECKSUM_CALCULATION=when_required is for services that refuse them. */
  sendsChecksums(): Promise<boolean>
  /** Whether every answer so far came from AWS itself. */
  isAws(): boolean
}

export async function openBucket({ place, clock, tuning, retryFor }: OpenBucket): Promise<Bucket> {
  const sdk = await loadS3()
  const client = new sdk.S3Client({
    ...clientOptions(place, tuning),
    ...(place.forcePathStyle === undefined ? {} : { forcePathStyle: place.forcePathStyle }),
    // The region is named in an error instead: each request would go twice.
    followRegionRedirects: false,
  })
  await checkRegion(client, place)
  const answers = watchAnswers(client)
  const where = `s3://${[place.bucket, place.prefix].filter((part) => part !== '').join('/')}`

  function translate(doing: string, permission: string, error: unknown): unknown {
    return awsError(error, {
      where,
      doing,
      permission,
      section: 'store.s3',
      settings: place,
      known: known(place),
    })
  }

  return {
    sdk,
    client,
    place,
    where,
    send: (work, how = {}) =>
      persist(work, {
        clock,
        ...how,
        retryFor: Math.min(how.retryFor ?? defaultRetryFor, retryFor ?? Infinity),
      }),
    async inWords(doing, permission, work) {
      try {
        return await work()
      } catch (error) {
        throw translate(doing, permission, error)
      }
    },
    translate,
    sendsChecksums: async () => (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED',
    ...answers,
  }
}

function known({ bucket }: BucketPlace): Readonly<Record<string, Advice>> {
  return {
    NoSuchBucket: {
      kind: 'precondition',
      problem: `there is no bucket ${bucket}`,
      fix: `Check store.s3.bucket, or make it: aws s3 mb s3://${bucket}`,
    },
    AccessControlListNotSupported: {
      kind: 'precondition',
      problem: 'the bucket has ACLs disabled',
      fix: 'Remove store.s3.acl.',
    },
    'KMS.NotFoundException': {
      kind: 'precondition',
      problem: 'there is no such KMS key',
      fix: 'Check store.s3.kmsKey, and that it is in the region of the bucket.',
    },
  }
}

async function checkRegion(client: S3Client, { endpoint }: BucketPlace): Promise<void> {
  try {
    await client.config.region()
  } catch (error) {
    // Other services don't care, but the signature needs one.
    if (endpoint !== undefined) client.config.region = () => Promise.resolve('us-east-1')
    else
      throw new DeliverError(
        'usage',
        'store.s3.region: not set, and neither AWS_REGION nor the profile has it',
        {
          fix: "Set it to the region of the bucket, e.g. 'eu-west-1'.",
          cause: error,
        },
      )
  }
}

/** Keeps what the SDK doesn't hand out: the Date header of answers, and who gave them. */
function watchAnswers(client: S3Client): Pick<Bucket, 'timeOf' | 'isAws'> {
  const times = new WeakMap<object, number>()
  const hosts = new Set<string>()
  client.middlewareStack.add(
    (next) => async (args) => {
      const host = textOf(args.request, 'hostname')
      if (host !== undefined) hosts.add(host)
      const result = await next(args)
      const date = textOf(fieldOf(result.response, 'headers'), 'date')
      if (typeof result.output === 'object')
        times.set(result.output, date === undefined ? NaN : Date.parse(date))
      return result
    },
    { step: 'deserialize', priority: 'high', name: 'watchAnswers' },
  )
  return {
    timeOf(answer) {
      const time = times.get(answer)
      if (time !== undefined && !Number.isNaN(time)) return time
      throw new DeliverError('failed', 'the store answers without a Date header, so nothing has an age', {
        fix: 'Check what lies between this machine and the store: a proxy may take the header away.',
      })
    },
    isAws: () => hosts.size > 0 && [...hosts].every((host) => /\.amazonaws\.com(\.cn)?$/.test(host)),
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function textOf(value: unknown, name: string): string | undefined {
  const text = fieldOf(value, name)
  return typeof text === 'string' ? text : undefined
}
