import type { BootConfig, S3Place, StoreConfig } from '../config/types.js'
import { DeliverError } from '../errors.js'
import { awsDomain, type BootSource } from './script.js'

/** How a server reads the store by itself, without URLs that are signed for it. */
export function bootSource(
  fetch: Exclude<BootConfig['fetch'], { kind: 'presigned' }>,
  store: StoreConfig,
): BootSource {
  if (fetch.kind === 'url') return { kind: 'url', base: withSlash(new URL(fetch.url).href) }
  return fromBucket(bucketOf(store))
}

/** The bucket that servers read; a directory can't be read from afar. */
export function bucketOf({ place }: StoreConfig): S3Place {
  if (place.kind === 's3') return place
  throw new DeliverError('usage', 'boot.fetch: servers that boot can not read the directory of the store', {
    fix: "Use store.s3, or serve the directory over HTTP and write boot: { fetch: { url: 'https://…' } }.",
  })
}

function fromBucket(place: S3Place): BootSource {
  const { bucket, region, endpoint } = place
  const prefix = place.prefix === '' ? '' : `${place.prefix}/`
  return {
    kind: 'role',
    bucket,
    prefix,
    base: `${withSlash(bucketUrl(place))}${prefix}`,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

/** A certificate for `*.s3.…` is good for names without dots alone; other services know buckets by path at least. */
function bucketUrl({ bucket, region, endpoint, forcePathStyle }: S3Place): string {
  if (endpoint !== undefined) return `${withSlash(new URL(endpoint).href)}${bucket}`
  const host = `s3.${region ?? '{region}'}.${awsDomain(region)}`
  return forcePathStyle === true || bucket.includes('.')
    ? `https://${host}/${bucket}`
    : `https://${bucket}.${host}`
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}
