import { describe, expect, it } from 'vitest'
import { storeError } from '../../../src/adapters/directory/errno.js'
import { DeliverError } from '../../../src/errors.js'

const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: as the system says it`), { code, errno: -1, syscall: 'write' })

describe('errors of the file system', () => {
  it.each([
    ['ENOSPC', 'precondition', 'no space left'],
    ['EDQUOT', 'precondition', 'quota'],
    ['EROFS', 'precondition', 'read-only'],
    ['EACCES', 'precondition', 'permission denied'],
    ['EPERM', 'precondition', 'not permitted'],
    ['ESTALE', 'failed', 'stale'],
    ['EIO', 'failed', 'input/output'],
    ['EWHATEVER', 'failed', 'as the system says it'],
  ])('say where, what and what to do: %s', (code, kind, words) => {
    const cause = systemError(code)
    const error = storeError('/mnt/builds', 'writing api/x', cause)
    expect(error).toBeInstanceOf(DeliverError)
    expect(error).toMatchObject({
      kind,
      message: expect.stringMatching(
        new RegExp(`^store directory /mnt/builds: writing api/x: .*${words}`),
      ) as string,
      fix: expect.stringMatching(/.+\.$/) as string,
      cause,
    })
  })

  it('leave aborts, our own errors and defects as they are', () => {
    const abort = Object.assign(new Error('stop'), { code: 'ABORT_ERR' })
    for (const error of [abort, new DeliverError('locked', 'x'), new TypeError('x'), 'text'])
      expect(storeError('/mnt', 'reading', error)).toBe(error)
  })
})
