import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeliverError } from '../../src/errors.js'
import { checkKey } from '../../src/store/key.js'
import * as layout from '../../src/store/layout.js'

describe('the layout of the store', () => {
  it('is as documented', () => {
    expect(layout.releaseKeys('api', 'v1', { format: 'tar.zst', manifestFile: 'manifest.json.zst' })).toEqual(
      {
        archive: 'api/releases/v1/archive.tar.zst',
        manifest: 'api/releases/v1/manifest.json.zst',
        listing: 'api/releases/v1/listing',
        record: 'api/releases/v1/release.json',
      },
    )
    expect(layout.releaseRecordKey('api', 'v1')).toBe('api/releases/v1/release.json')
    expect(layout.releasesPrefix('api')).toBe('api/releases/')
    expect(layout.pointerKey('api', 'production')).toBe('api/production/current.json')
    expect(layout.lockKey('api', 'production')).toBe('api/production/lock.json')
    expect(layout.historyKey('api', 'prod', Date.UTC(2030, 0, 2, 3, 4, 5, 6), 'x1')).toBe(
      'api/prod/history/2030-01-02T03-04-05-006Z-x1.json',
    )
  })

  it('refuses an environment that is where releases are', () => {
    expect(() => layout.pointerKey('api', 'releases')).toThrow(DeliverError)
  })

  it('finds the release of a record, and of nothing else', () => {
    expect(layout.releaseOfRecordKey('api', 'api/releases/v1/release.json')).toBe('v1')
    for (const key of [
      'api/releases/v1/archive.tar',
      'api/releases/release.json',
      'api/releases/a/b/release.json',
      'x',
    ])
      expect(layout.releaseOfRecordKey('api', key)).toBeUndefined()
  })

  it('makes valid keys of any names, or refuses them as usage errors', () => {
    const name = fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9._/-]{1,20}$/))
    fc.assert(
      fc.property(name, name, (app, other) => {
        try {
          const key = layout.releaseRecordKey(app, other)
          checkKey(key)
          expect(key.split('/')).toEqual([app, 'releases', other, 'release.json'])
        } catch (error) {
          expect(error).toMatchObject({ kind: 'usage' })
        }
      }),
    )
  })
})
