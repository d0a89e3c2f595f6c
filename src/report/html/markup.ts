/** HTML that is safe to be put into a page: made by `html` alone. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Html | string | number | undefined | readonly (Html | string)[]

/** A piece of HTML. Whatever is put in is escaped, in text and in quoted attributes, unless it is such a piece itself. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, at) => text + valueOf(values[at - 1]) + part))
}

/** As `html`, for what is ours from end to end: style sheets, and numbers made into paths. */
export const trusted = (text: string): Html => new Html(text)

function valueOf(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'string') return escaped(value)
  if (typeof value === 'number') return String(value)
  return value.map((each) => valueOf(each)).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => entities[each] ?? each)
}
