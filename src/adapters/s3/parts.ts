/** How an upload is cut into parts. S3 takes 10,000 of them, each of 5 MiB to 5 GiB. */

const mebibyte = 1024 * 1024
/** Up to this size one request does. */
export const partSize = 8 * mebibyte
const mostParts = 9_000
/** Parts in memory and under way at once. */
export const atOnce = 4

export interface Part {
  /** From 1. */
  readonly number: number
  readonly size: number
}

export function partsOf(size: number): readonly Part[] {
  const each = Math.max(partSize, Math.ceil(size / mostParts / mebibyte) * mebibyte)
  const count = Math.max(1, Math.ceil(size / each))
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    size: Math.min(each, size - index * each),
  }))
}
