import type { BootHook } from '../boot/hook.js'
import type { Config, S3Place } from '../config/types.js'
import { fleetStatements } from './fleet.js'
import { groupArn, partitionOf, type Policy, type Statement } from './policy.js'
import { pointerKey, releasesPrefix } from '../store/layout.js'

/** What a server that boots must be allowed: to read its own app's objects, and to complete its hook. Nothing is written. */
export function instancePolicy(config: Config, place: S3Place, hook: BootHook | undefined): Policy {
  const { app, environment } = config
  const objects = objectArn(place)
  return policy([
    {
      Sid: 'ReadReleases',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: [
        objects(pointerKey(app, environment)),
        objects(`${releasesPrefix(app)}*`),
        objects(`${app}/agents/*`),
      ],
    },
    ...key(place, ['kms:Decrypt']),
    ...(hook === undefined
      ? []
      : [
          {
            Sid: 'CompleteLifecycleHook',
            Effect: 'Allow' as const,
            Action: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
            Resource: [groupArn(hook)],
          },
        ]),
  ])
}

/** What the machine that builds and deploys must be allowed: this app's part of the bucket, and the fleet's part of AWS. */
export function ciPolicy(config: Config): Policy {
  const place = config.store?.place
  return policy([...(place?.kind === 's3' ? storeStatements(config, place) : []), ...fleetStatements(config)])
}

function storeStatements(config: Config, place: S3Place): readonly Statement[] {
  const objects = objectArn(place)
  const alias = config.store?.alias
  const bucket = `arn:${partitionOf(place.region)}:s3:::${place.bucket}`
  return [
    {
      Sid: 'ReadAndWriteReleases',
      Effect: 'Allow',
      Action: [
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        ...(place.acl === undefined ? [] : ['s3:PutObjectAcl']),
      ],
      Resource: [
        objects(`${config.app}/*`),
        // Whether the store keeps its promises is tried on objects of this name.
        objects('write-probe-*'),
        ...(alias === undefined ? [] : [`${bucket}/${alias}`]),
      ],
    },
    {
      Sid: 'ListReleases',
      Effect: 'Allow',
      Action: ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
      Resource: [bucket],
    },
    ...key(place, ['kms:GenerateDataKey', 'kms:Decrypt']),
  ]
}

function key(place: S3Place, actions: readonly string[]): readonly Statement[] {
  if (place.sse === undefined || place.sse === 'AES256') return []
  const { kmsKey } = place
  const isArn = kmsKey?.startsWith('arn:') === true
  const arn = isArn
    ? kmsKey
    : `arn:${partitionOf(place.region)}:kms:${place.region ?? '*'}:*:key/${kmsKey ?? '*'}`
  return [{ Sid: 'UseKey', Effect: 'Allow', Action: actions, Resource: [arn] }]
}

function objectArn(place: S3Place): (key: string) => string {
  const prefix = place.prefix === '' ? '' : `${place.prefix}/`
  return (path) => `arn:${partitionOf(place.region)}:s3:::${place.bucket}/${prefix}${path}`
}

function policy(statements: readonly Statement[]): Policy {
  return { Version: '2012-10-17', Statement: statements }
}
