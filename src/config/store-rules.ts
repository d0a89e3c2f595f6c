import { isIPv4 } from 'node:net'
import type { z } from './fields.js'
import { oneLine, type Rule } from './names.js'
import type { S3Place, StoreConfig } from './types.js'
import { shown } from './values.js'

/** What S3 takes for the name of a bucket today; dots are left over from long ago. */
export const bucketName: Rule = (text) =>
  /^[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/.test(text) && !isIPv4(text)
    ? undefined
    : `${shown(text)} is no name of a bucket. Write the name alone: small letters, digits, "-" and ".", from 3 to 63`

export const regionName: Rule = (text) =>
  /^[a-z0-9][a-z0-9-]{0,62}$/.test(text) ? undefined : `${shown(text)} is no region. Write it like eu-west-1`

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** A key or the beginning of keys, in the alphabet of the store's keys: it ends up in URLs and in boot scripts. */
export const keyPath: Rule = (text) => {
  if (text.length <= 100 && text.split('/').every((name) => part.test(name) && !name.includes('..')))
    return undefined
  return `${shown(text)} can't be part of a key. Use parts of letters, digits, ".", "_" and "-", separated by "/", at most 100 in all, without a slash at either end`
}

/** The message repeats nothing: people put passwords into URLs. */
export const endpointUrl: Rule = (text) => {
  const problem = oneLine(text)
  if (problem !== undefined) return problem
  const fix = 'Write it like https://minio.example.com:9000'
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return `is no URL. ${fix}`
  const { username, password, search, hash } = new URL(text)
  return `${username}${password}${search}${hash}` === ''
    ? undefined
    : `carries a login, query or fragment. ${fix}; credentials come from the profile or the environment`
}

interface S3Form extends Omit<S3Place, 'kind' | 'prefix'> {
  readonly prefix?: string
}

export function keyNeedsKms({ sse, kmsKey }: S3Form, context: z.RefinementCtx): void {
  if (kmsKey === undefined || (sse !== undefined && sse !== 'AES256')) return
  context.addIssue({
    code: 'custom',
    path: ['kmsKey'],
    message: "is only for sse 'aws:kms' and 'aws:kms:dsse'. Set sse, or remove the key",
  })
}

/** `exactlyOne` has seen to it that one of them is there. */
export function storePlace(directory: string | undefined, s3: S3Form | undefined): StoreConfig['place'] {
  return s3 === undefined
    ? { kind: 'directory', directory: directory ?? '' }
    : { kind: 's3', ...s3, prefix: s3.prefix ?? '' }
}
