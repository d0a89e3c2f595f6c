import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.js'
import { callsIn, problemWith } from '../docs/commands.js'
import { configured, files, home, read } from './files.js'

const load = (example: string, environment?: string) =>
  loadConfig({
    cwd: join(home, example),
    env: environment === undefined ? {} : { DELIVER_ENV: environment },
  })

/** The environments that a config's text names. */
const environments: Readonly<Record<string, readonly string[]>> = {
  'jenkins-freestyle': ['staging', 'production'],
  'jenkins-pipeline': ['staging', 'production'],
  'github-actions': ['staging', 'production'],
  'gitlab-ci': ['staging', 'production'],
  'npm-scripts': ['staging', 'production'],
  autoscaling: ['production'],
  'static-site': ['hosts'],
}

test('there are the examples that the page lists', () => {
  const page = read('README.md')
  expect(configured.filter((example) => !page.includes(`](${example}`))).toEqual([])
  expect(configured.length).toBeGreaterThan(10)
})

describe('the real loader takes', () => {
  test.each(configured)('%s', async (example) => {
    const named = environments[example] ?? []
    for (const environment of [undefined, ...named]) {
      const config = await load(example, environment)
      expect(config.app).toMatch(/^(api|site|hello)$/)
      if (environment !== undefined && example !== 'static-site') expect(config.fleet).toBeDefined()
    }
    await expect(load(example, 'nowhere')).rejects.toThrow('nowhere')
  })
})

describe('what lies beside a config says the same as it', () => {
  test('systemd: unit, directory, user and rights', async () => {
    const { target, ssh, service } = await load('systemd')
    expect(service?.manager).toMatchObject({ kind: 'systemd', unit: 'api' })
    const unit = read('systemd/api.service')
    expect(unit).toContain(`WorkingDirectory=${target?.path}/current\n`)
    expect(unit).toContain(`User=${ssh.user}\n`)
    const host = read('systemd/host.sh')
    for (const action of ['restart', 'stop'])
      expect(host).toContain(`${ssh.user} ALL=(root) NOPASSWD: /usr/bin/systemctl ${action} api\n`)
    expect(host).toContain(` ${target?.path}\n`)
  })

  test('upstart: job, directory, user and rights', async () => {
    const { target, ssh, service } = await load('upstart')
    expect(service?.manager).toMatchObject({ kind: 'upstart', job: 'api' })
    expect(read('upstart/api.conf')).toContain(`setuid ${ssh.user}\n`)
    expect(read('upstart/api.conf')).toContain(`chdir ${target?.path}/current\n`)
    for (const action of ['restart', 'start', 'stop'])
      expect(read('upstart/sudoers')).toContain(`${ssh.user} ALL=(root) NOPASSWD: /sbin/${action} api\n`)
  })

  test('pm2: name, directory and file', async () => {
    const { target, service } = await load('pm2')
    const manager = { kind: 'pm2', name: 'api', start: 'ecosystem.config.cjs' }
    expect(service?.manager).toMatchObject(manager)
    const ecosystem: unknown = createRequire(import.meta.url)(join(home, 'pm2', manager.start))
    expect(ecosystem).toMatchObject({ apps: [{ name: 'api', cwd: `${target?.path}/current` }] })
  })

  test.each(['terraform/main.tf', 'cloudformation/api.yaml'])(
    'autoscaling: group and hook of %s',
    async (file) => {
      const { boot } = await load('autoscaling', 'production')
      const text = read(`autoscaling/${file}`)
      expect(text).toContain('api-prod')
      expect(text).toMatch(new RegExp(`(name +=|LifecycleHookName:) "?${boot?.lifecycleHook ?? 'none'}\\b`))
      const [, heartbeat] = /(?:heartbeat_timeout +=|HeartbeatTimeout:) (\d+)/.exec(text) ?? []
      expect(Number(heartbeat) * 1000).toBeGreaterThan(boot?.retryFor ?? Infinity)
    },
  )
})

describe('the program has what is called in', () => {
  const callers = files
    .filter(({ path }) => /\.(sh|yml)$|Jenkinsfile$|package\.json$/.test(path))
    .map(({ path, text }) => [path, callsIn(text)] as const)
    .filter(([, calls]) => calls.length > 0)

  test.each(callers)('%s', (_, calls) => {
    expect(calls.flatMap((words) => problemWith(words) ?? [])).toEqual([])
  })

  test('many files', () => {
    expect(callers.map(([path]) => path)).toEqual([
      'autoscaling/generate.sh',
      'github-actions/.github/workflows/deploy.yml',
      'gitlab-ci/.gitlab-ci.yml',
      'jenkins-freestyle/build.sh',
      'jenkins-freestyle/deploy.sh',
      'jenkins-freestyle/rollback.sh',
      'jenkins-pipeline/Jenkinsfile',
      'npm-scripts/package.json',
      'static-site/build.sh',
    ])
    expect(callers.flatMap(([, calls]) => calls).length).toBeGreaterThan(25)
  })
})
