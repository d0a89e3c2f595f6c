/** Why bytes can't be the path of something in a release, if so. */
export function problemOfPath(path: Buffer): string | undefined {
  if (path.length === 0) return 'is empty'
  if (path.length > 4_000) return 'is longer than 4000 bytes'
  if (path.includes(0)) return 'has a NUL'
  // One character per byte; the separators are ASCII.
  const parts = path.toString('latin1').split('/')
  if (parts[0] === '') return 'is absolute'
  if (parts.includes('')) return 'has an empty part'
  if (parts.includes('..')) return 'has a ".." part'
  if (parts.includes('.')) return 'has a "." part'
  if (parts.some((part) => part.length > 255)) return 'has a part of more than 255 bytes'
  return undefined
}

/** The directories that paths are in, each once, without the root. */
export function impliedDirectories(paths: Iterable<Buffer>): Iterable<Buffer> {
  const found = new Map<string, Buffer>()
  for (const path of paths) {
    for (let slash = path.lastIndexOf(0x2f); slash > 0; slash = path.lastIndexOf(0x2f, slash - 1)) {
      const directory = path.subarray(0, slash)
      const key = directory.toString('latin1')
      if (found.has(key)) break
      found.set(key, directory)
    }
  }
  return found.values()
}
