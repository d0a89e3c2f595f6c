import { DeliverError } from '../errors.js'

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** Refuses keys that a store could take for something else: `..`, empty parts, its own dot files, odd characters. */
export function checkKey(key: string): void {
  if (key.length <= 900 && key.split('/').every((name) => part.test(name) && !name.includes('..'))) return
  throw new DeliverError('usage', `${JSON.stringify(key.slice(0, 200))} can't be a key of the store`, {
    fix: 'Use parts of letters, digits, ".", "_" and "-" that don\'t start with a dot, separated by "/".',
  })
}

/** The same for what a key may start with: it may end in the middle of a part, or after a slash, or be empty. */
export function checkKeyPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix)
}
