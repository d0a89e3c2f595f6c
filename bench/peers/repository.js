import { appendFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deliver } from '../deliver.js'
import { run } from './command.js'

/** A clone in which `r1` and `r2` are tags with all dependencies, and an archive of each, not published yet. Nobody's time counts this. */
export async function buildReleases(directory, work, config) {
  const git = (...args) =>
    run(
      'git',
      ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'commit.gpgsign=false', ...args],
      {
        cwd: directory,
      },
    )
  await mkdir(directory, { recursive: true })
  await git('init', '-q', '-b', 'main')
  for (const release of ['r1', 'r2']) {
    for (const entry of await readdir(directory))
      if (entry !== '.git') await rm(join(directory, entry), { recursive: true })
    await cp(work[release], directory, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await writeFile(join(directory, '.gitignore'), 'node_modules/\n')
    await writeFile(join(directory, 'deliver.config.json'), JSON.stringify(config))
    await appendFile(join(directory, '.git', 'info', 'exclude'), 'build/\n')
    await git('add', '-A')
    await git('commit', '-q', '-m', `Say ${release}`)
    for (const step of ['commit-deps', 'archive'])
      await deliver(['--plain', step, '--tag', release], { cwd: directory })
  }
  // For those who push git's own history: release on release, in a line, so that what both have is not sent again.
  const line = (release, ...parents) => git('commit-tree', `${release}^{tree}`, '-m', release, ...parents)
  const r1 = (await line('r1')).trim()
  const r2 = (await line('r2', '-p', r1)).trim()
  for (const [name, commit] of Object.entries({ r1, r2 }))
    await git('update-ref', `refs/line/${name}`, commit)
  return { r1, r2 }
}
