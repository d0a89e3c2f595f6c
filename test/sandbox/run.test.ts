import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createJiti } from 'jiti'
import { loadConfig } from '../../src/config/load.js'
import { runSandbox } from '../../src/sandbox/run.js'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import { describeSandbox } from '../../src/sandbox/snippet.js'
import { scratchDirectory, scratchSandbox } from './scratch.js'

/** The config between the lines that people copy. */
function snippetOf(text: string): string {
  return text.slice(text.indexOf('import {'), text.indexOf('})\n') + 3)
}

describe('runSandbox', () => {
  test('writes a config once the hosts are up, and ends when told to', async () => {
    const directory = join(await scratchDirectory(), 'sandbox')
    const stop = new AbortController()
    let written = ''
    await runSandbox(
      { hosts: 1, directory, port: 8080 },
      (text) => {
        written += text
        stop.abort()
      },
      stop.signal,
    )
    expect(written).toContain('http://localhost:8080/health')
    expect(written).toContain(join(directory, 'keys'))
  })

  test('writes the config to a file too, again to the same one, and never over another', async () => {
    const scratch = await scratchDirectory()
    const directory = join(scratch, 'sandbox')
    const run = async (configFile: string): Promise<string> => {
      const stop = new AbortController()
      let written = ''
      const write = (text: string) => {
        written = text
        stop.abort()
      }
      await runSandbox({ hosts: 1, directory, configFile }, write, stop.signal)
      return written
    }
    const file = join(scratch, 'deliver.config.ts')
    expect(await run(file)).toContain(`Their config: ${file}`)
    expect((await loadConfig({ cwd: scratch, env: {} })).fleet).toMatchObject({ hosts: [{ name: 'web1' }] })
    await run(file)
    const mine = join(scratch, 'mine.ts')
    await writeFile(mine, 'export default {}\n')
    await expect(run(mine)).rejects.toThrow(mine)
    expect(await readFile(mine, 'utf8')).toBe('export default {}\n')
    await scratchSandbox({ directory }) // would be refused if one ran there
  })

  test('told to stop before it began: nothing is made', async () => {
    const directory = join(await scratchDirectory(), 'never')
    await runSandbox({ directory }, () => expect.unreachable(), AbortSignal.abort())
    const again = await scratchSandbox({ directory })
    expect(again.hosts).toHaveLength(1)
  })

  test('told to stop while it starts', async () => {
    const stop = new AbortController()
    const ended = runSandbox({ directory: join(await scratchDirectory(), 'sandbox') }, () => {}, stop.signal)
    stop.abort()
    await ended
  })

  test('a writer that throws leaves no hosts behind', async () => {
    const directory = join(await scratchDirectory(), 'sandbox')
    const failing = () => {
      throw new Error('EPIPE')
    }
    await expect(runSandbox({ directory, hosts: 1 }, failing, new AbortController().signal)).rejects.toThrow(
      'EPIPE',
    )
    await scratchSandbox({ directory }) // would be refused if one ran there
  })
})

describe('the text', () => {
  const awkward: Sandbox = {
    directory: "/tmp/it's",
    hosts: [{ name: 'web1', sshPort: 20_000, appPort: 20_001, directory: "/tmp/it's/web1" }],
    identityFile: '/tmp/it\'s/"keys" \\n/client',
    knownHostsFile: "/tmp/it's/keys/known_hosts",
    config: {
      fleet: { hosts: [{ name: 'web1', host: '127.0.0.1', port: 20_000 }] },
      ssh: {
        user: 'deploy',
        identityFile: '/tmp/it\'s/"keys" \\n/client',
        knownHosts: 'k',
        config: false,
        agent: false,
      },
      target: { path: 'app' },
      service: {
        restart: 'service restart',
        stop: 'service stop',
        pidFile: 'log/app.pid',
        log: 'log/app.log',
      },
      health: { http: 'http://localhost:3000/health', minUptime: '2s' },
    },
    stop: async () => {},
  }

  test('is TypeScript that evaluates to the config, whatever the paths hold', async () => {
    const file = join(await scratchDirectory(), 'deliver.config.ts')
    await writeFile(file, snippetOf(describeSandbox(awkward)))
    const jiti = createJiti(import.meta.url, {
      alias: { 'deliver-cli': join(import.meta.dirname, '../../src/index.ts') },
    })
    expect(await jiti.import(file, { default: true })).toEqual({
      app: 'hello',
      store: { directory: "/tmp/it's/store" },
      ...awkward.config,
    })
  })

  test('shows an ssh command whose paths a shell reads as one word each', () => {
    const line =
      describeSandbox(awkward)
        .split('\n')
        .find((text) => text.includes('ssh -F')) ?? ''
    const words = spawnSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' }).stdout.split('\n')
    expect(words).toContain(awkward.identityFile)
    expect(words).toContain(`UserKnownHostsFile=${awkward.knownHostsFile}`)
  })
})
