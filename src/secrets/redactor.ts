import { formsOf, longestHidden } from './forms.js'

/** What stands where a secret stood. */
const mark = '***'
/** So much of a secret at the edge of a line is taken for one that was torn: wrapped, cut, or split over chunks. */
const leastTorn = 8

/** Takes secrets out of text. It learns them as they are read; what was let through before stays as it was. */
export class Redactor {
  #forms: readonly string[] = []
  #reach = 0

  /** Hides a text from now on. */
  learn(secret: string): void {
    this.#forms = [...new Set([...this.#forms, ...formsOf(secret)])].sort((a, b) => b.length - a.length)
    this.#reach = Math.min(this.#forms[0]?.length ?? 0, 4 * longestHidden)
  }

  /**
   * Characters that must follow a place before text can be cut there: with fewer, the cut could tear a secret that begins
   * before it.
   */
  get reach(): number {
    return this.#reach
  }

  /** Never longer by more than the marks; text without a secret is returned as it is. */
  redact = (text: string): string => {
    if (this.#forms.length === 0 || text === '') return text
    const clean = this.redactWhole(text)
    if (!clean.includes('\n')) return this.#torn(clean)
    return clean
      .split('\n')
      .map((line) => this.#torn(line))
      .join('\n')
  }

  /** Only secrets that are there from end to end: for text that more follows. */
  redactWhole = (text: string): string => {
    let clean = text
    for (const form of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, mark)
    return clean
  }

  /** Parts of a secret where a line begins or ends: `base64`, `fold` and terminals break lines anywhere. */
  #torn(line: string): string {
    if (line.length < leastTorn) return line
    const end = line.slice(-leastTorn)
    const start = line.slice(0, leastTorn)
    let [from, to] = [0, line.length]
    for (const form of this.#forms) {
      if (form.length <= leastTorn) continue
      if (form.includes(end)) to = Math.min(to, line.length - overlap(line, form))
      if (form.includes(start)) from = Math.max(from, overlap(form, line))
      if (form.includes(line)) return mark
    }
    if (from === 0 && to === line.length) return line
    return `${from > 0 ? mark : ''}${line.slice(from, Math.max(from, to))}${to < line.length ? mark : ''}`
  }
}

/** The most characters that one text ends and the other begins with, if they are enough to be no accident; else 0. */
function overlap(ends: string, begins: string): number {
  const most = Math.min(ends.length, begins.length)
  for (let length = most; length >= leastTorn; length--)
    if (ends.endsWith(begins.slice(0, length))) return length
  return 0
}
