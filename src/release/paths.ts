/** Why a path can't be that of something in a release, if so. It has one character for each byte; the separators are ASCII. */
export function problemOfPath(path: string): string | undefined {
  if (path.length <= 4_000 && plain.test(path) && !dots.test(path)) return undefined
  if (path.length === 0) return 'is empty'
  if (path.length > 4_000) return 'is longer than 4000 bytes'
  if (path.includes('\0')) return 'has a NUL'
  const parts = path.split('/')
  if (parts[0] === '') return 'is absolute'
  if (parts.includes('')) return 'has an empty part'
  if (parts.includes('..')) return 'has a ".." part'
  if (parts.includes('.')) return 'has a "." part'
  if (parts.some((part) => part.length > 255)) return 'has a part of more than 255 bytes'
  return undefined
}

/** What nearly all paths are, found without taking them apart. */
const plain = /^[^/\0]{1,255}(\/[^/\0]{1,255})*$/
const dots = /(^|\/)\.\.?(\/|$)/

/** The directories that paths are in, each once, without the root. One character for each byte. */
export function impliedDirectories(paths: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>()
  for (const path of paths) addDirectories(found, path)
  return found
}

function addDirectories(found: Set<string>, path: string): void {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const directory = path.slice(0, slash)
    if (found.has(directory)) return
    found.add(directory)
  }
}
