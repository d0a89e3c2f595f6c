import { codes, type Answer, type Fact } from './answers.js'
import { Malformed } from './fields.js'

/** `refused`: the agent answered with a code that isn't ok; `log` and `facts` are what it told until then. */
export type Reading<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly log: string }
  | { readonly kind: 'refused'; readonly code: number; readonly text: string; readonly log: string }
  | {
      readonly kind: 'unknown'
      readonly because: string
      readonly log: string
      readonly transient?: true
    }

/** The value of an answer whose code is ok. `parse` throws Malformed for what makes no sense. */
export function read<T>(answer: Answer, parse: (facts: readonly Fact[]) => T): Reading<T> {
  if (answer.kind === 'unknown') return answer
  const { code, text, log } = answer
  if (code !== codes.ok) return { kind: 'refused', code, text, log }
  try {
    return { kind: 'ok', value: parse(answer.facts), log }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { kind: 'unknown', because: `the host's answer makes no sense: ${error.message}`, log }
  }
}
