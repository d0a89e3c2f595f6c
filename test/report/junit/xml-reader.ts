/** An element as a parser sees it. */
export interface Read {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Read[]
  text: string
}

const token = /<\?xml[^>]*\?>|<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y

/** A strict reader of the little XML that we write: whatever it doesn't know is an error. */
export function readXml(xml: string): Read {
  const root: Read = { name: '', attributes: {}, children: [], text: '' }
  const open: Read[] = [root]
  token.lastIndex = 0
  while (token.lastIndex < xml.length) {
    const from = token.lastIndex
    const match = token.exec(xml)
    const top = open.at(-1)
    if (match === null || top === undefined) throw new Error(`no XML: ${xml.slice(from, from + 80)}`)
    const [, closing, name, attributes = '', alone, text] = match
    if (text !== undefined) top.text += decoded(text)
    else if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> ends nothing`)
    } else if (name !== undefined) {
      const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)]
      const read: Read = {
        name,
        attributes: Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, decoded(value)])),
        children: [],
        text: '',
      }
      top.children.push(read)
      if (alone !== '/') open.push(read)
    }
  }
  const [only, ...more] = root.children
  if (open.length !== 1 || only === undefined || more.length > 0) throw new Error('not one whole element')
  return only
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }

function decoded(text: string): string {
  if (/&(?!(?:amp|lt|gt|quot|#\d+);)/.test(text)) throw new Error(`a bare & in ${text}`)
  // What XML 1.0 forbids, escaped or not.
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text)) throw new Error(`a control character in ${text}`)
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? (entities[name] ?? '') : String.fromCodePoint(Number(code)),
  )
}
