import { DeliverError } from '../errors.js'

export function broken(because: string): DeliverError {
  return new DeliverError('failed', `the archive can't be read: ${because}`, {
    fix: 'Make the archive again.',
  })
}
