import { describe, expect, test } from 'vitest'
import { reasonsToConfirm, type Confirmable } from '../../src/plan/confirmation.js'

const release = (name: string, appVersion?: string, confirm?: string): Confirmable => ({
  release: name,
  ...(appVersion === undefined ? {} : { appVersion }),
  ...(confirm === undefined ? {} : { confirm }),
})

describe('a new major version', () => {
  test.each([
    ['1.9.9', '2.0.0', /2\.0\.0 is a new major version: old is 1\.9\.9/],
    ['9.0.0', '10.0.0', /new major/],
    ['2.0.0', '2.1.0', undefined],
    ['2.0.0', '1.0.0', undefined],
    [undefined, '2.0.0', /of old, which runs, is not known/],
    ['1.0.0', undefined, /of new is not known/],
    ['1.0.0', '2', /of new is not known/],
  ])('%s to %s', (from, to, reason) => {
    const reasons = reasonsToConfirm(['major'], release('new', to), [release('old', from)])
    expect(reasons).toEqual(reason === undefined ? [] : [expect.stringMatching(reason)])
  })

  test('is one where any host runs an older one', () => {
    const running = [release('a', '2.0.0'), release('b', '1.0.0')]
    expect(reasonsToConfirm(['major'], release('new', '2.0.0'), running)).toHaveLength(1)
  })

  test('is none where nothing runs yet', () => {
    expect(reasonsToConfirm(['major'], release('new', '2.0.0'), [])).toEqual([])
  })
})

test('each kind counts only when it was asked for', () => {
  const next = release('new', '2.0.0', 'drops a table')
  const running = [release('old', '1.0.0')]
  expect(reasonsToConfirm([], next, running)).toEqual([])
  expect(reasonsToConfirm(['marked'], next, running)).toEqual(['it is marked: drops a table'])
  expect(reasonsToConfirm(['major', 'marked'], next, running)).toHaveLength(2)
  expect(reasonsToConfirm(['marked'], release('new'), running)).toEqual([])
  expect(reasonsToConfirm(['always'], release('new'), [])).toEqual(['every release needs it'])
})
