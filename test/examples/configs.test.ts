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
