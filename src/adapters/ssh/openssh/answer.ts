/** What `ssh -G` says that ssh would do for a host: keywords in lower case, each with its values in order. */
export type Effective = ReadonlyMap<string, readonly string[]>

export function parseEffective(text: string): Effective {
  const values = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [, keyword, value = ''] = /^(\S+)(?: (.*))?$/s.exec(line.trimEnd()) ?? []
    if (keyword === undefined) continue
    const name = keyword.toLowerCase()
    values.set(name, [...(values.get(name) ?? []), value])
  }
  return values
}

/** A key that a host showed, as KnownHostsCommand noted it: the name it was looked up by, and the key. */
export interface ShownKey {
  readonly name: string
  readonly key: Buffer
}

/** Lines of `NAME TYPE BASE64`. A name is what the ssh config says, spaces and all. */
export function parseShownKeys(text: string): readonly ShownKey[] {
  return text.split('\n').flatMap((line) => {
    const [, name, encoded] = /^(.+) \S+ ([A-Za-z0-9+/]+={0,2})$/s.exec(line) ?? []
    return name === undefined || encoded === undefined ? [] : [{ name, key: Buffer.from(encoded, 'base64') }]
  })
}
