import { run } from './command.js'
import { writeFile, rm } from 'node:fs/promises'

/** Bytes of these files as one tar, compressed as releases are: what no delta of whole files can be below of by much. */
export async function zstdOfChanged(directory, paths) {
  const list = `${directory}.changed.${process.pid}`
  await writeFile(list, paths.sort().join('\0'))
  try {
    const line = 'tar -C "$1" --null -T "$2" -cf - | zstd -q -3 -c | wc -c'
    return Number(await run('sh', ['-c', line, 'sh', directory, list]))
  } finally {
    await rm(list)
  }
}
