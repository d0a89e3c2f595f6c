import fc from 'fast-check'
import { expect, test } from 'vitest'
import { merge } from '../../src/config/merge.js'
import { nearest } from '../../src/nearest.js'

const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.array(fc.integer(), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value

test('laying a part over what it already made changes nothing', () => {
  fc.assert(
    fc.property(tree, tree, (base, over) => {
      const merged = merge(base, over)
      expect(merge(merged, over)).toEqual(merged)
    }),
  )
})

test('neither part is changed', () => {
  fc.assert(
    fc.property(tree, tree, (base, over) => {
      const before = structuredClone([base, over])
      merge(base, over)
      expect([base, over]).toEqual(before)
    }),
  )
})

test('a near word is found, a far one is not', () => {
  const keys = ['batch', 'strategy', 'onFailure', 'pause']
  expect(nearest('bacth', keys)).toBe('batch')
  expect(nearest('onfailure', keys)).toBe('onFailure')
  expect(nearest('colour', keys)).toBeUndefined()
  expect(nearest('x'.repeat(1_000_000), keys)).toBeUndefined()
})
