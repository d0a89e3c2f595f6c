import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defineConfig } from '../../src/index.js'
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js'
import { connectThrough, login, open, run } from './client.js'
import { eventually, scratchDirectory, scratchSandbox } from './scratch.js'

const server = `
  const { createServer } = require('node:http')
  createServer((_, res) => res.end(process.env.HOST_NAME)).listen(process.env.PORT)
`

async function installApp(sandbox: Sandbox): Promise<void> {
  for (const host of sandbox.hosts) {
    const release = join(host.directory, 'app', 'releases', 'v1')
    await mkdir(release, { recursive: true })
    await writeFile(join(release, 'server.js'), server)
    await symlink('releases/v1', join(host.directory, 'app', 'current'))
  }
}

async function startApps(sandbox: Sandbox): Promise<void> {
  for (const index of sandbox.hosts.keys()) {
    const client = await login(sandbox, index)
    expect(await run(client, 'service restart')).toMatchObject({ code: 0 })
    await eventually('the app answers', () =>
      connectThrough(client, 'localhost', 3000).then(
        () => true,
        () => false,
      ),
    )
    client.end()
  }
}

/** Processes, other than zombies, that carry this sandbox's mark; where there is no /proc, none. */
async function marked(sandbox: Sandbox): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc').catch(() => [])) {
    // Between fork and exec a process has no environment to show.
  await eventually('the orphan shows its mark', async () => {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
    return environment.includes(`DELIVER_SANDBOX=${directory}\0`)
  })
  expect(await marked(await scratchSandbox({ directory }))).toEqual([])
  },
)
