/** An element of XML: a name, attributes, and elements or text. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | undefined>>
  readonly children: readonly (Element | string)[]
}

export function element(
  name: string,
  attributes: Element['attributes'],
  ...children: Element['children']
): Element {
  return { name, attributes, children }
}

/** A document, indented. */
export function xml(root: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, '')}`
}

function render({ name, attributes, children }: Element, indent: string): string {
  const given = Object.entries(attributes)
    .map(([key, value]) => (value === undefined ? '' : ` ${key}="${escaped(value)}"`))
    .join('')
  if (children.length === 0) return `${indent}<${name}${given}/>\n`
  const text = children.every((child) => typeof child === 'string')
  if (text) return `${indent}<${name}${given}>${children.map(escaped).join('')}</${name}>\n`
  const inner = children.map((child) =>
    typeof child === 'string' ? escaped(child) : render(child, `${indent}  `),
  )
  return `${indent}<${name}${given}>\n${inner.join('')}${indent}</${name}>\n`
}

// What XML 1.0 can't hold even escaped: controls, lone surrogates, two non-characters.
const impossible = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser would turn them into spaces in an attribute, and into a line feed in text.
  '\t': '&#9;',
  '\r': '&#13;',
}

function escaped(text: string): string {
  return text.replace(impossible, '\ufffd').replace(/[&<>"\t\r]/g, (each) => entities[each] ?? each)
}
