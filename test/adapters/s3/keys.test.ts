import { expect, it } from 'vitest'
import { keysUnder } from '../../../src/adapters/s3/keys.js'
import { permissionFor } from '../../../src/adapters/s3/permissions.js'

it('puts keys under the prefix, and takes them back', () => {
  const keys = keysUnder('apps/team')
  expect(keys.of('api/x.json')).toBe('apps/team/api/x.json')
  expect(keys.ofPrefix('')).toBe('apps/team/')
  expect(keys.back('apps/team/api/x.json')).toBe('api/x.json')
  expect(keysUnder('').of('api/x.json')).toBe('api/x.json')
})

it('sees nothing of what can not be the store’s', () => {
  const keys = keysUnder('apps')
  for (const other of ['apps/', 'apps/folder/', 'apps/.hidden', 'apps/a b', 'appsapi/x', 'other/x'])
    expect(keys.back(other)).toBeUndefined()
})

it('names permissions as policies do', () => {
  const place = { bucket: 'builds', prefix: 'apps' }
  expect(permissionFor(place, 'get')).toBe(
    's3:GetObject on arn:aws:s3:::builds/apps/* and s3:ListBucket on arn:aws:s3:::builds',
  )
  expect(permissionFor({ ...place, prefix: '' }, 'delete')).toBe('s3:DeleteObject on arn:aws:s3:::builds/*')
  expect(permissionFor(place, 'put', 'api/api.tar')).toContain('on arn:aws:s3:::builds/api/api.tar')
  expect(permissionFor({ ...place, region: 'cn-north-1' }, 'list')).toBe(
    's3:ListBucket on arn:aws-cn:s3:::builds',
  )
  expect(permissionFor({ ...place, sse: 'aws:kms', acl: 'private' }, 'put')).toMatch(
    /PutObjectAcl.*kms:GenerateDataKey/,
  )
})
