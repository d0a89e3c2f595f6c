import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** For `git commit` on a machine where nobody is anybody. */
export const identity = ['user.name=bench', 'user.email=bench@localhost', 'commit.gpgsign=false'].flatMap(
  (each) => ['-c', each],
)

/**
 * A repository with an app that has `files` installed files of `bytes` together, not committed, as after `npm ci`. Half of the
 * content is text and half noise, as node_modules are; every run makes the same.
 */
export function createApp(directory, { files, bytes }) {
  mkdirSync(directory, { recursive: true })
  const size = Math.max(1, Math.round(bytes / files))
  git('init', '-q', '-b', 'main')
  writeFileSync(join(directory, '.gitignore'), 'node_modules/\nbuild/\n')
  for (let index = 0; index < files; index++) writeInstalled(index, '')
  release('1')
  return { directory, writeConfig, change, changeIn }

  function git(...args) {
    execFileSync('git', [...identity, ...args], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
  }

  function release(text) {
    writeFileSync(join(directory, 'server.js'), `console.log(${text})\n`)
    git('add', '-A')
    git('commit', '-q', '-m', `Say ${text}`)
  }

  function writeConfig(config) {
    writeFileSync(join(directory, 'deliver.config.json'), JSON.stringify(config, undefined, 2))
    git('add', '-A')
    git('commit', '-q', '-m', 'Describe the deploy')
  }

  /** What an ordinary day brings: the app's own code, and one in a hundred installed files. */
  function change() {
    for (let index = 0; index < files; index += 100) writeInstalled(index, 'changed')
    release('2')
  }

  /** One in `every` installed files, in a copy of the app. */
  function changeIn(copy, every) {
    for (let index = 0; index < files; index += every) writeInstalled(index, 'changed', copy)
  }

  function writeInstalled(index, seed, root = directory) {
    const inside = join(root, 'node_modules', `package-${Math.floor(index / 40)}`, `lib-${index % 4}`)
    mkdirSync(inside, { recursive: true })
    writeFileSync(join(inside, `file-${index}.js`), contentOf(index, size, seed))
  }
}

/** Sizes from a tenth to ten tenths of twice the mean, for real ones are uneven too. */
function contentOf(index, mean, seed) {
  const length = Math.round((mean * 2 * ((index % 10) + 1)) / 11)
  const text = `export const value${index} = require('./other${seed}').default\n`.repeat(
    Math.ceil(length / 100) + 1,
  )
  const noise = []
  for (let at = 0; at < length / 2; at += 32)
    noise.push(createHash('sha256').update(`${seed} ${index} ${at}`).digest())
  return Buffer.concat([Buffer.from(text.slice(0, length / 2)), ...noise]).subarray(0, length)
}
