import { command, mustRun, type CommandResult } from './command.js'

/** Runs a POSIX sh line somewhere and gives back its output as it is, byte for byte (latin1). */
export type Shell = (
  line: string,
  options: { readonly encoding: 'latin1'; readonly timeout: number },
) => Promise<CommandResult>

/** Path (bytes as latin1) -> what is there: `d`, `f <sha256>`, `x <sha256>` (executable) or `l <target>`. */
export type Tree = ReadonlyMap<string, string>

export const localShell: Shell = (line, options) => command('sh', ['-c', line], options)

/** What a directory holds, read with find and sha256sum alone: nothing here knows how deliver sees a tree. */
export async function readTree(shell: Shell, directory: string): Promise<Tree> {
  const quoted = `'${directory.replaceAll("'", `'\\''`)}'`
  const line = [
    `cd ${quoted}`,
    String.raw`find . -mindepth 1 -printf '%y%m\0%P\0%l\0'`,
    `printf '\\0'`,
    `find . -type f -print0 | xargs -0 -r sha256sum -z --`,
  ].join(' && ')
  const { code, stdout, stderr } = await shell(line, { encoding: 'latin1', timeout: 240_000 })
  if (code !== 0) throw new Error(`${directory} can't be read: ${stderr}`)
  return parse(stdout.split('\0'))
}

function parse(fields: readonly string[]): Tree {
  const tree = new Map<string, string>()
  const executable = new Set<string>()
  let index = 0
  // Triples until the empty type that printf put between the two lists.
  for (; (fields[index] ?? '') !== ''; index += 3) {
    const [kind = '', path = '', target = ''] = fields.slice(index, index + 3)
    const type = kind[0] ?? '?'
    if (type === 'f' && (Number.parseInt(kind.slice(1), 8) & 0o100) !== 0) executable.add(path)
    tree.set(path, type === 'l' ? `l ${target}` : type)
  }
  for (const record of fields.slice(index + 1)) {
    if (record === '') continue
    const path = record.slice(66 + './'.length)
    tree.set(path, `${executable.has(path) ? 'x' : 'f'} ${record.slice(0, 64)}`)
  }
  return tree
}

/** The first differences between two trees, for people; empty when they are the same. */
export function differences(
  expected: Tree,
  actual: Tree,
  ignored: readonly string[] = [],
): readonly string[] {
  const skip = (path: string) => ignored.some((each) => path === each || path.startsWith(`${each}/`))
  const found: string[] = []
  for (const [path, what] of expected)
    if (!skip(path) && actual.get(path) !== what)
      found.push(`${JSON.stringify(path)} is ${actual.get(path) ?? 'missing'}, not ${what}`)
  for (const path of actual.keys())
    if (!skip(path) && !expected.has(path)) found.push(`${JSON.stringify(path)} is one too many`)
  return found.slice(0, 10)
}

/** The tree of an archive, unpacked by the system's tar into `scratch`. */
export async function readArchive(archive: string, scratch: string): Promise<Tree> {
  await mustRun('mkdir', ['-p', scratch])
  await mustRun('tar', ['-C', scratch, '-xf', archive])
  const tree = await readTree(localShell, scratch)
  await mustRun('rm', ['-rf', scratch])
  return tree
}
