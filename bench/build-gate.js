#!/usr/bin/env node
// Seconds, for CI: an archive of which all packages are known must take less time than one that is made anew. Ratios only, the least of
// two turns each, and far from what is usual, so that only what went badly wrong fails.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, identity } from './app.js'
import { deliver } from './deliver.js'

const rounds = 2
/** Of seconds, copied to anew. Usual is about a half; of an app of ten times its size, a quarter. */
const most = 0.95
const root = mkdtempSync(join(tmpdir(), 'deliver-build-gate-'))
try {
  const app = join(root, 'app')
  createApp(app, { files: 2000, bytes: 40e6 }).writeConfig({ app: 'gate', build: { deps: ['node_modules'] } })
  const run = (...args) => deliver(['--plain', ...args], { cwd: app })
  await run('commit-deps', '--tag', 'r0')
  await run('archive', '--tag', 'r0')
  const taken = { copied: [], anew: [] }
  for (let round = 1; round <= rounds; round++) {
    const tag = `r${round}`
    writeFileSync(join(app, 'server.js'), `// round ${round}\n`)
    execFileSync('git', [...identity, 'commit', '-qam', tag], { cwd: app })
    await run('commit-deps', '--tag', tag)
    const bytes = {}
    for (const [kind, ...options] of [['copied'], ['anew', '--no-cache']]) {
      taken[kind].push((await run('archive', '--tag', tag, ...options)).seconds)
      bytes[kind] = readFileSync(join(app, `.git/deliver/archives/${tag}.tar.zst`))
      // Or the other one would only see that it is there.
      rmSync(join(app, `.git/deliver/archives/${tag}.json`))
    }
    if (!bytes.copied.equals(bytes.anew)) throw new Error('gate: the archives are not the same')
  }
  const [copied, anew] = [Math.min(...taken.copied), Math.min(...taken.anew)]
  const ratio = copied / anew
  console.log(
    `archive: copied ${copied.toFixed(2)} s, anew ${anew.toFixed(2)} s, ratio ${ratio.toFixed(2)} (at most ${most})`,
  )
  if (ratio > most) process.exitCode = 1
} finally {
  rmSync(root, { recursive: true, force: true })
}
