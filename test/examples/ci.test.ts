import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { githubSteps, gitlabSteps, jenkinsSteps, type Step } from './ci-steps.js'
import { read } from './files.js'
import { Workplace } from './workplace.js'

async function runAll(at: Workplace, steps: readonly Step[], env: Readonly<Record<string, string>> = {}) {
  expect(steps).not.toEqual([])
  for (const step of steps) await at.run(step, env)
}

/** The text of a build step, which Jenkins gives to a shell. */
const freestyle = (file: string): Step => ({ run: read(`jenkins-freestyle/${file}`), env: {} })

describe('the steps of the example, run as its CI system runs them', { timeout: 240_000 }, () => {
  test('jenkins-freestyle: a build, two deploys and a way back, each a job of its own', async () => {
    const at = await Workplace.create('jenkins-freestyle')
    const build = async (number: number): Promise<string> => {
      const BUILD_TAG = `jenkins-api-build-${number}`
      at.place.change(`${BUILD_TAG}-prebuilt`)
      await at.run(freestyle('build.sh'), { BUILD_TAG, JOB_NAME: 'api-build' })
      return `${BUILD_TAG}-prebuilt`
    }
    const deploy = (environment: string, RELEASE: string) =>
      at.run(freestyle('deploy.sh'), { JOB_NAME: `api-deploy-${environment}`, RELEASE })
    const first = await build(41)
    await deploy('staging', first)
    await deploy('production', first)
    const second = await build(42)
    await deploy('production', second)
    expect(await at.place.running()).toEqual([`web1 ${first}`, `web2 ${second}`])
    expect(readFileSync(join(at.place.directory, 'build/deliver.xml'), 'utf8')).toContain('name="web2"')
    expect(existsSync(join(at.place.directory, 'build/deliver.html'))).toBe(true)

    await at.run(freestyle('rollback.sh'), { JOB_NAME: 'api-rollback-production', RELEASE: '' })
    expect(at.pointer('production')).toBe(first)
    await at.run(freestyle('rollback.sh'), { JOB_NAME: 'api-rollback-production', RELEASE: second })
    expect(await at.place.running()).toEqual([`web1 ${first}`, `web2 ${second}`])
  })

  test('jenkins-pipeline: every stage', async () => {
    const at = await Workplace.create('jenkins-pipeline')
    const TAG = 'jenkins-api-main-7-prebuilt'
    expect(read('jenkins-pipeline/Jenkinsfile')).toContain('TAG = "${env.BUILD_TAG}-prebuilt"')
    at.place.change(TAG)
    for (const part of ['Build', 'Staging', 'Production', 'cleanup'])
      await runAll(at, jenkinsSteps(part), { TAG, NODE_ENV: 'production' })
    expect(await at.place.running()).toEqual([`web1 ${TAG}`, `web2 ${TAG}`])
    expect(existsSync(join(at.place.directory, 'build/staging.xml'))).toBe(true)
  })

  test('github-actions: ship, ship again, and the way back that a person starts', async () => {
    const at = await Workplace.create('github-actions')
    at.place.change('github-42-1-prebuilt')
    await runAll(at, githubSteps(false), { GITHUB_ACTIONS: 'true' })
    expect(at.pointer('production')).toBe('github-42-1-prebuilt')
    at.place.change('github-43-1-prebuilt')
    await runAll(at, githubSteps(false), { TAG: 'github-43-1-prebuilt' })
    await runAll(at, githubSteps(true))
    expect(at.pointer('production')).toBe('github-42-1-prebuilt')
    expect(existsSync(join(at.place.directory, 'build/deliver.html'))).toBe(true)
  })

  test('github-actions: no expression is put into a shell', () => {
    for (const { run } of [...githubSteps(true), ...githubSteps(false)]) expect(run).not.toContain('${{')
  })

  test('gitlab-ci: both jobs', async () => {
    const at = await Workplace.create('gitlab-ci')
    at.place.change('gitlab-42-prebuilt')
    await runAll(at, gitlabSteps('build'), { GITLAB_CI: 'true' })
    await runAll(at, gitlabSteps('production'), { GITLAB_CI: 'true' })
    expect(at.pointer('production')).toBe('gitlab-42-prebuilt')
    expect(readFileSync(join(at.place.directory, 'build/deliver.xml'), 'utf8')).toContain('name="web2"')
  })

  test('npm-scripts: by npm itself', async () => {
    const at = await Workplace.create('npm-scripts')
    // The app of these tests has a dependency, and is no ES module.
    const manifest = read('npm-scripts/package.json').replace(
      '"type": "module"',
      '"dependencies": { "greet": "1" }',
    )
    writeFileSync(join(at.place.directory, 'package.json'), manifest)
    at.place.change('v1')
    const npm = (script: string, ...more: readonly string[]) =>
      at.run({ run: `npm run ${[script, ...more].join(' ')}`, env: { npm_config_update_notifier: 'false' } })
    await npm('deploy', '--', '--tag', 'v1')
    await npm('deploy:dry')
    await npm('deploy:check')
    expect(await npm('deploy:status')).toMatch(/web2 +v1/)
    expect(at.pointer('production')).toBe('v1')
  })
})
