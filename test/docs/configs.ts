/** Configs in text for people, as files that the program can load. */
import { defaultLoaders } from 'cosmiconfig'
import { allKeys } from '../../src/config/keys.js'
import { blocks, type Block, type Page } from './pages.js'

export interface ConfigFile {
  readonly at: string
  readonly name: string
  readonly text: string
}

const sections: ReadonlySet<string> = new Set(allKeys().flatMap(({ path }) => path[0] ?? []))
const keys: ReadonlySet<string> = new Set(
  allKeys().map(({ path }) => path.filter((part) => part !== '[]').join('.')),
)

/** What a part of a config leaves out. */
const rest = { app: 'app', target: { path: '/srv/app' } }

/** Whole configs, and parts of one: `rollout: { … }`, as a text shows them. */
export function configsOf(page: Page): readonly ConfigFile[] {
  return blocks(page).flatMap((block) => {
    if (['ts', 'js'].includes(block.language)) return codeIn(block)
    if (['json', 'yaml'].includes(block.language)) return dataIn(block)
    return []
  })
}

function codeIn({ at, text, language }: Block): readonly ConfigFile[] {
  const name = `deliver.config.${language}`
  if (/^(export default|module\.exports)\b/m.test(text)) return [{ at, name, text }]
  const imports = /^import .*\n/gm
  const part = text.replaceAll(imports, '')
  // Statements: a program that uses the library.
  if (/^(const|let|await|function)\b/m.test(part)) return []
  const above = (text.match(imports) ?? []).join('')
  return [{ at, name, text: `${above}export default { ...${JSON.stringify(rest)},\n${part}\n}` }]
}

/** An object is a config if each of its keys is one of a config. */
function dataIn({ at, text, language }: Block): readonly ConfigFile[] {
  const value: unknown = language === 'json' ? JSON.parse(text) : defaultLoaders['.yaml'](at, text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  if (!Object.keys(value).every((key) => sections.has(key))) return []
  return [{ at, name: 'deliver.config.json', text: JSON.stringify({ ...rest, ...value }) }]
}

/** `store.s3.region`, as text names a key. Undefined: that is no key of a config, nor wants to be. */
export function keyNamed(text: string): 'known' | 'unknown' | undefined {
  const [first = '', ...more] = text.split('.')
  if (!sections.has(first) || more.length === 0 || !/^[\w.[\]]+$/.test(text)) return undefined
  if (/^\w+\.sh$/.test(text)) return undefined // a file
  return keys.has(text.replaceAll('[]', '')) ? 'known' : 'unknown'
}
