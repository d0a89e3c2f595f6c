import { failureOf } from '../aws/failure.js'

/** Answers that mean something to us and are no failures. An answer to HEAD has no body, and so no code but its status. */

export function isMissing(error: unknown): boolean {
  const { code, status } = failureOf(error)
  return status === 404 && code !== 'NoSuchBucket' && code !== 'NoSuchUpload'
}

/** A condition of the request doesn't hold. */
export function isRefused(error: unknown): boolean {
  return failureOf(error).status === 412
}

export function isUploadGone(error: unknown): boolean {
  return failureOf(error).code === 'NoSuchUpload'
}

/** The value, or undefined when the key isn't there. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
