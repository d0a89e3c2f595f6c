/** What a CI system would run of its file, as lines of shell with their environment. */
import { defaultLoaders } from 'cosmiconfig'
import { read } from './files.js'

export interface Step {
  readonly run: string
  readonly env: Readonly<Record<string, string>>
}

/** What is installed on the machine, and who may log in where, is not for a test to try. */
const installs = /^\s*npm install|\.ssh\b/m

/** Of GitHub's expressions, those that the example has. */
const values: Readonly<Record<string, string>> = { 'github.run_number': '42', 'github.run_attempt': '1' }

export function githubSteps(rollback: boolean): readonly Step[] {
  const workflow = fields(parsed('github-actions/.github/workflows/deploy.yml'))
  const job = fields(fields(workflow['jobs'])['deploy'])
  const env = strings(job['env'])
  return list(job['steps'])
    .map(fields)
    .filter((step) => typeof step['run'] === 'string' && !installs.test(step['run']))
    .filter(({ if: condition = '' }) => {
      if (condition === '') return true
      if (typeof condition !== 'string' || !condition.includes('inputs.rollback'))
        throw new Error(`a condition that the test doesn't know: ${JSON.stringify(condition)}`)
      return condition.includes('!') ? !rollback : rollback
    })
    .map((step) => ({ run: `set -eo pipefail\n${String(step['run'])}`, env }))
}

export function gitlabSteps(job: string): readonly Step[] {
  const pipeline = fields(parsed('gitlab-ci/.gitlab-ci.yml'))
  const env = strings(pipeline['variables'])
  const before = list(fields(pipeline['default'])['before_script'])
  return [...before, ...list(fields(pipeline[job])['script'])]
    .map(String)
    .filter((line) => !installs.test(line))
    .map((run) => ({ run, env }))
}

/** The `sh` steps of the named stages, or of what is done at the end. */
export function jenkinsSteps(part: string): readonly Step[] {
  const text = read('jenkins-pipeline/Jenkinsfile')
  const block = new RegExp(`^( *)(?:stage\\('${part}'\\)|${part}) \\{$([^]*?)^\\1\\}$`, 'm').exec(text)
  return [...(block?.[2] ?? '').matchAll(/^ *sh '(.*)'$/gm)].map(([, run = '']) => ({ run, env: {} }))
}

function parsed(path: string): unknown {
  return defaultLoaders['.yaml'](path, read(path))
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error('there is no such part')
  return { ...value }
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('that is no list')
  return value
}

function strings(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields(value)).map(([name, text]) => [name, expanded(String(text))]),
  )
}

function expanded(text: string): string {
  return text
    .replaceAll(/\$\{\{ ([\w.]+) \}\}/g, (_, name: string) => values[name] ?? '')
    .replaceAll('$CI_PIPELINE_IID', '42')
}
