import { mkdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { deliver } from '../integration/rig/deliver.js'
import { scratchDirectory } from '../sandbox/scratch.js'

async function app(files: Readonly<Record<string, string>>): Promise<string> {
  const cwd = await scratchDirectory()
  mkdirSync(join(cwd, '.git'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(cwd, file, '..'), { recursive: true })
    writeFileSync(join(cwd, file), text)
  }
  return cwd
}

const run = (cwd: string, ...args: readonly string[]) =>
  deliver(['--plain', 'init', '--no-check', ...args], { cwd })
const read = (cwd: string) => loadConfig({ cwd, env: {} })

describe('init', { timeout: 30_000 }, () => {
  test('writes a config that loads, from what it finds and what it is told', async () => {
    const cwd = await app({
      'package.json':
        '{\n\t"name": "@team/api",\n\t"scripts": {"start": "node .", "deploy": "mine"},\n\t"engines": {"node": "22"}\n}\n',
      'package-lock.json': '{}',
      Procfile: 'web: node server.js\nworker: node worker.js\n',
    })
    const args = ['--hosts', 'web1,deploy@web2:2222', '--user', 'deploy', '--store', 's3://builds/apps/']
    const { code, output } = await run(cwd, ...args, '--scripts', '--jenkinsfile', '--units', 'systemd')
    expect(code, output).toBe(0)
    expect(output).toContain('npm (package-lock.json)')
    expect(await read(cwd)).toMatchObject({
      app: 'api',
      store: { place: { kind: 's3', bucket: 'builds', prefix: 'apps' } },
      fleet: { hosts: ['web1', { host: 'web2', port: 2222, user: 'deploy' }] },
      ssh: { user: 'deploy' },
      target: { path: '/srv/api' },
      service: { manager: { kind: 'systemd', unit: 'api-web' } },
    })
    expect(JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))).toMatchObject({
      name: '@team/api',
      scripts: { start: 'node .', deploy: 'mine', 'deploy:status': 'deliver status' },
    })
    expect(readFileSync(join(cwd, 'package.json'), 'utf8')).toContain('\n\t"name"')
    expect(readFileSync(join(cwd, 'Jenkinsfile'), 'utf8')).toContain('ship --tag "$BUILD_TAG"')
    expect(readFileSync(join(cwd, 'api-worker.service'), 'utf8')).toContain('PORT=5100')
  })

  test('without a terminal it asks nobody, and says what to give', async () => {
    const cwd = await app({})
    const { code, output } = await run(cwd)
    expect(code, output).toBe(2)
    expect(output).toContain('--hosts ... --store ...')
    expect(existsSync(join(cwd, 'deliver.config.ts'))).toBe(false)
  })

  test('overwrites nothing, and then writes nothing at all; --force does', async () => {
    const cwd = await app({ Jenkinsfile: 'mine' })
    const args = ['--app', 'a', '--hosts', 'h', '--store', '/mnt', '--jenkinsfile']
    const refused = await run(cwd, ...args)
    expect(refused.code, refused.output).toBe(8)
    expect(refused.output).toContain('Jenkinsfile')
    expect(existsSync(join(cwd, 'deliver.config.ts'))).toBe(false)
    expect(readFileSync(join(cwd, 'Jenkinsfile'), 'utf8')).toBe('mine')
    expect((await run(cwd, ...args, '--force')).code).toBe(0)
    expect(readFileSync(join(cwd, 'Jenkinsfile'), 'utf8')).toContain('pipeline')
  })

  test.each([
    [['--service', 'init.d'], 2, 'systemd:NAME'],
    [['--health', 'ftp://x'], 2, 'health'],
    [['--units', 'runit'], 2, 'systemd or upstart'],
    [['--units', 'systemd'], 8, 'Procfile'],
    [['--scripts'], 8, 'package.json'],
    [['--from-deliver'], 8, '.deliver/config'],
    [['--user', 'a b'], 2, 'ssh.user'],
  ])('%j: %i, and nothing is written', async (args, code, says) => {
    const cwd = await app({})
    const ended = await run(cwd, '--app', 'a', '--hosts', 'h', '--store', '/mnt', ...args)
    expect(ended.code, ended.output).toBe(code)
    expect(ended.output).toContain(says)
    expect(existsSync(join(cwd, 'deliver.config.ts'))).toBe(false)
  })

  test('ends with a check of what it wrote', async () => {
    const cwd = await app({})
    const where = ['--hosts', 'nobody@127.0.0.1:1', '--store', join(cwd, 'no', 'such', 'store')]
    const { code, output } = await deliver(['--plain', 'init', '--app', 'a', ...where], { cwd })
    expect(code, output).toBe(0)
    expect(output).toMatch(/deliver check: \d+ problems/)
  })

  test('--from-deliver takes over a bash config without running any of it', async () => {
    const cwd = await app({
      '.deliver/config': `#!/usr/bin/env bash
touch ran
APP="api" # the name
export APP_USER=deploy
HOSTS="web1, web2"
PORT=2222
DELIVER_TO="/home/$APP_USER/$APP"
STRATEGY=nodejs
REFSPEC=release
SSH_TIMEOUT=3
LOG_FILE=$(touch ran-too; echo /tmp/x)
post_launch() {
  HOSTS=not-these
  touch hook-ran
}
function git_push { :; }
`,
    })
    const { code, output } = await run(cwd, '--from-deliver', '--store', '/mnt/builds')
    expect(code, output).toBe(0)
    for (const trace of ['ran', 'ran-too', 'hook-ran']) expect(existsSync(join(cwd, trace))).toBe(false)
    expect(await read(cwd)).toMatchObject({
      app: 'api',
      fleet: { hosts: ['web1', 'web2'] },
      ssh: { user: 'deploy', port: 2222, connectTimeout: 3000 },
      target: { path: '/home/deploy/api' },
      service: { manager: { kind: 'upstart', job: 'api' } },
      hooks: { afterRollout: [{ run: "bash -c '. ./.deliver/config && post_launch'" }] },
    })
    const text = readFileSync(join(cwd, 'deliver.config.ts'), 'utf8')
    for (const note of [
      'STRATEGY=nodejs',
      'REFSPEC was dropped',
      'LOG_FILE: its value',
      'git_push() was left out',
    ]) {
      expect(output).toContain(note)
      expect(text).toContain(note)
    }
  })
})
