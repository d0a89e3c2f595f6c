import { DeliverError, type ErrorKind } from '../../errors.js'

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The promise's value, or undefined when it rejects with one of these codes. */
export async function unless<T>(codes: readonly string[], promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

interface Advice {
  readonly kind: ErrorKind
  readonly problem: string
  readonly fix: string
}

const noAccess = 'Give the user that runs deliver read and write access to the directory and all below it.'
const noSpace =
  'Free space, or raise the quota, then run the command again; what was half written is cleaned up.'
const notNow = 'Check the disk, or the network mount, then run the command again.'

const advice: Readonly<Record<string, Advice>> = {
  EACCES: { kind: 'precondition', problem: 'permission denied', fix: noAccess },
  EPERM: { kind: 'precondition', problem: 'operation not permitted', fix: noAccess },
  EROFS: { kind: 'precondition', problem: 'the file system is read-only', fix: 'Mount it for writing.' },
  ENOSPC: { kind: 'precondition', problem: 'no space left', fix: noSpace },
  EDQUOT: { kind: 'precondition', problem: 'the disk quota is used up', fix: noSpace },
  EFBIG: { kind: 'precondition', problem: 'the file is larger than the file system takes', fix: noSpace },
  EEXIST: { kind: 'precondition', problem: 'a file is where a directory should be', fix: 'Move it away.' },
  ENOTDIR: { kind: 'precondition', problem: 'a file is where a directory should be', fix: 'Move it away.' },
  EISDIR: { kind: 'precondition', problem: 'a directory is where a file should be', fix: 'Move it away.' },
  ELOOP: { kind: 'precondition', problem: 'symbolic links lead in a circle', fix: 'Repair the links.' },
  ENAMETOOLONG: { kind: 'usage', problem: 'the name is too long', fix: 'Use a shorter release or app name.' },
  EXDEV: {
    kind: 'precondition',
    problem: 'one of its directories is spread over two file systems',
    fix: 'Keep each app of the store on one file system.',
  },
  ESTALE: { kind: 'failed', problem: 'the network mount went stale', fix: notNow },
  EIO: { kind: 'failed', problem: 'input/output error', fix: notNow },
}

/** An error of the file system in the store's words. Anything else (an abort, a DeliverError, a defect) stays as it is. */
export function storeError(directory: string, doing: string, error: unknown): unknown {
  const code = errnoOf(error)
  // `errno` tells the system's codes from Node's own, such as ABORT_ERR.
  if (code === undefined || !(error instanceof Error) || !('errno' in error)) return error
  const known = advice[code]
  const problem = known?.problem ?? error.message
  return new DeliverError(known?.kind ?? 'failed', `store directory ${directory}: ${doing}: ${problem}`, {
    fix: known?.fix ?? notNow,
    cause: error,
  })
}
