import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostPath, overlaps, relativePath, trimmed } from '../../src/config/paths.js'

describe('target paths', () => {
  test.each(['/srv/api', '/srv/api/', 'app', 'apps/api', '/srv/my app', '/a', '/srv/...'])('%j', (path) => {
    expect(hostPath(path)).toBeUndefined()
  })
  test.each([
    '',
    '/',
    '//',
    '.',
    '..',
    './',
    '../x',
    '/srv/../etc',
    '/srv//api',
    '~/app',
    '~bob',
    '-rf',
    'a\nb',
    '/a\0b',
    '/a\u2028',
  ])('%j is refused', (path) => {
    expect(hostPath(path)).toMatch(/\S/)
  })
})

describe('paths inside a release', () => {
  test.each(['log', '.env', 'a/b', 'log/', '..a'])('%j', (path) => {
    expect(relativePath(path)).toBeUndefined()
  })
  test.each(['', '/log', '..', 'a/../b', '.', './a', 'a//b', '-x', 'a\nb'])('%j is refused', (path) => {
    expect(relativePath(path)).toMatch(/\S/)
  })

  test('none that is accepted leaves the release', () => {
    const part = fc.constantFrom('..', '.', '', 'a', '-', '~', '...', '/', 'b')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const path = parts.join('/')
        return relativePath(path) !== undefined || posix.resolve('/release', path).startsWith('/release/')
      }),
    )
  })
})

describe('overlaps', () => {
  test.each([
    [['log', 'tmp'], []],
    [['log', 'logs'], []],
    [['log', 'log'], [1]],
    [['log', 'log/'], [1]],
    [['log', 'log/app'], [1]],
    [['log/app', 'log'], [0]],
    [
      ['a/b', 'a/c', 'a'],
      [0, 1],
    ],
  ])('%j', (paths, expected) => {
    expect(overlaps(paths).map(({ index }) => index)).toEqual(expected)
  })
})

test('a trailing slash means nothing', () => {
  expect(trimmed('/srv/api//')).toBe('/srv/api')
  expect(trimmed('/')).toBe('/')
})
