import type { Looked, Trouble } from '../../check/facts.js'
import { DeliverError } from '../../errors.js'

/** What it sees, or why it can't. Only defects of ours and interrupts reject. */
export async function looked<T>(look: () => Promise<T>): Promise<Looked<T>> {
  try {
    return { kind: 'seen', value: await look() }
  } catch (error) {
    return { kind: 'failed', trouble: troubleOf(error) }
  }
}

export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof DeliverError) || error.kind === 'interrupted' || error.kind === 'terminated')
    throw error
  return {
    kind: error.kind,
    what: error.message,
    ...(error.fix === undefined ? {} : { fix: error.fix }),
  }
}
