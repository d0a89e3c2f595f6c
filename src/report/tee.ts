import type { Reporter } from './events.js'

/** One reporter that is several. The first has the terminal; it hears the result last, after what the others had to say. */
export function tee(first: Reporter, others: readonly Reporter[]): Reporter {
  if (others.length === 0) return first
  return {
    event: (event) => {
      if (event.type !== 'result') first.event(event)
      for (const each of others) each.event(event)
      if (event.type === 'result') first.event(event)
    },
    close: async () => {
      await Promise.all([...others, first].map((each) => each.close()))
    },
    abandon: (code) => {
      for (const each of [...others, first]) each.abandon?.(code)
    },
    ...(first.suspended === undefined ? {} : { suspended: (work) => first.suspended?.(work) ?? work() }),
  }
}
