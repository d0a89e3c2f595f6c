import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const hello = fileURLToPath(new URL('../hello', import.meta.url))

/** A fresh git repository with the sample app in it, as a CI box would have checked it out. */
export function createRepository(directory) {
  cpSync(hello, directory, { recursive: true, filter: (path) => basename(path) !== 'node_modules' })
  const git = (...args) => execFileSync('git', args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  git('init', '--quiet', '--initial-branch=main')
  git('config', 'user.name', 'deliver demo')
  git('config', 'user.email', 'demo@localhost')
  git('config', 'commit.gpgsign', 'false')

  return {
    directory,
    write: (file, text) => writeFileSync(join(directory, file), text),
    read: (file) => readFileSync(join(directory, file), 'utf8'),
    commit(subject) {
      git('add', '--all')
      git('commit', '--quiet', '-m', subject)
    },
  }
}
