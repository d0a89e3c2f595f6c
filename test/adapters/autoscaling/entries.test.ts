import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatEntry, parseEntry, type Entry } from '../../../src/adapters/autoscaling/entries.js'

const registration = { balancer: 'arn:aws:x:targetgroup/api/1', instance: 'i-1', target: 'i-1' }

test.each<readonly [string, Entry]>([
  ['standby api i-1', { kind: 'standby', group: 'api', instance: 'i-1' }],
  ['standby a%20b i-1', { kind: 'standby', group: 'a b', instance: 'i-1' }],
  ['min-size api 3 0', { kind: 'min-size', group: 'api', from: 3, to: 0 }],
  ['max-size api 3 4', { kind: 'max-size', group: 'api', from: 3, to: 4 }],
  ['load-balancer api i-1', { kind: 'load-balancer', registration: { ...registration, balancer: 'api' } }],
  [
    'target arn:aws:x:targetgroup/api/1 i-1 i-1 80',
    { kind: 'target', registration: { ...registration, port: 80 } },
  ],
  [
    'target arn:aws:x:targetgroup/api/1 i-1 10.0.0.1 80 all',
    { kind: 'target', registration: { ...registration, target: '10.0.0.1', port: 80, zone: 'all' } },
  ],
])('%s', (text, entry) => {
  expect(formatEntry(entry)).toBe(text)
  expect(parseEntry(text)).toEqual(entry)
})

test('what an earlier version wrote is read, which encoded more', () => {
  expect(parseEntry('target arn%3Aaws%3Ax%3Atargetgroup%2Fapi%2F1 i-1 i-1 80')).toEqual({
    kind: 'target',
    registration: { ...registration, port: 80 },
  })
})

test.each([
  [''],
  ['standby'],
  ['standby api'],
  ['standing api i-1'],
  ['min-size api 3'],
  ['min-size api 3 -1'],
  ['min-size api x 1'],
  ['target arn i-1 i-1 http'],
  ['standby %zz i-1'],
])('%j is no entry', (text) => {
  expect(parseEntry(text)).toBeUndefined()
})

test('whatever a group is called, its entry is read back', () => {
  const names = fc.string({ minLength: 1, unit: 'grapheme' })
  fc.assert(
    fc.property(names, names, (group, instance) => {
      const entry: Entry = { kind: 'standby', group, instance }
      expect(parseEntry(formatEntry(entry))).toEqual(entry)
    }),
  )
})
