import { describe, expect, test } from 'vitest'
import { junitOf } from '../../../src/report/junit/junit.js'
import { at, modelOf, rolledBack, type Moment } from '../story.js'
import { readXml, type Read } from './xml-reader.js'

/** What Jenkins' schema for JUnit allows: the attributes of each element (`!`: required), and what may be in it. */
const shape: Readonly<Record<string, { readonly attributes: string; readonly children: string }>> = {
  testsuites: { attributes: 'name time tests failures errors', children: 'testsuite' },
  testsuite: {
    attributes:
      '!name !tests !failures !errors group time skipped timestamp hostname id package file log url',
    children: 'testsuite properties testcase system-out system-err',
  },
  properties: { attributes: '', children: 'property' },
  property: { attributes: '!name !value', children: '' },
  testcase: {
    attributes: '!name time classname group',
    children: 'skipped error failure system-out system-err',
  },
  skipped: { attributes: 'type message', children: '' },
  error: { attributes: 'type message', children: '' },
  failure: { attributes: 'type message', children: '' },
  'system-out': { attributes: '', children: '' },
  'system-err': { attributes: '', children: '' },
}

/** SUREFIRE_TIME there, for suites. */
const time = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/

function check(element: Read): void {
  const allowed = shape[element.name]
  if (allowed === undefined) throw new Error(`there is no <${element.name}>`)
  const known = allowed.attributes.split(' ')
  for (const key of Object.keys(element.attributes))
    if (!known.includes(key) && !known.includes(`!${key}`)) throw new Error(`${element.name} has no ${key}`)
  for (const key of known)
    if (key.startsWith('!') && element.attributes[key.slice(1)] === undefined)
      throw new Error(`${element.name} lacks ${key}`)
  if (element.name.startsWith('testsuite')) expect(element.attributes['time']).toMatch(time)
  for (const child of element.children) {
    if (!allowed.children.split(' ').includes(child.name))
      throw new Error(`<${child.name}> in <${element.name}>`)
    check(child)
  }
}

function read(moments: readonly Moment[]): Read {
  const root = readXml(junitOf(modelOf(moments)))
  check(root)
  return root
}

const suiteOf = (root: Read, name: string): Read | undefined =>
  root.children.find(({ attributes }) => attributes['name'] === `deliver.api.production.${name}`)

describe('a rollout that was rolled back', () => {
  const root = read(rolledBack)

  test('the command, its steps and its hosts are cases', () => {
    const cases = root.children.map(({ attributes, children }) => [
      attributes['name'],
      ...children.flatMap((each) => (each.name === 'testcase' ? [each.attributes['name']] : [])),
    ])
    expect(cases).toEqual([
      ['deliver.api.production.run', 'deploy'],
      ['deliver.api.production.steps', 'stage'],
      ['deliver.api.production.hosts', 'web1', 'web2'],
    ])
  })

  test('the host has its reason, the log of its service, and what it was sent', () => {
    const host = suiteOf(root, 'hosts')?.children.find(({ attributes }) => attributes['name'] === 'web1')
    const [failure, log, facts] = host?.children ?? []
    expect(failure?.attributes).toEqual({ type: 'rolled-back', message: 'not healthy' })
    expect(log?.text).toBe('Error: </pre><script>x')
    expect(facts?.text).toBe('runs v1\nsent 4.0 MB (delta on v1)\nhealth: 0 good answers, 1 bad')
    expect(host?.attributes['time']).toBe('10.400')
  })

  test('the counts are right', () => {
    expect(root.attributes).toMatchObject({ tests: '4', failures: '2', errors: '0' })
    const hosts = suiteOf(root, 'hosts')?.attributes
    expect(hosts).toMatchObject({ tests: '2', failures: '1', errors: '0', skipped: '1' })
  })

  test('no name holds the release: a trend must go on with the next', () => {
    const names = root.children.flatMap(({ children }) =>
      children.map(({ attributes }) => attributes['name']),
    )
    expect(names.filter((name) => name?.includes('v2'))).toEqual([])
  })
})

test('a step without an end is the one that failed, with the last output', () => {
  const root = read([
    [0, { type: 'run-started', command: 'setup', version: '1' }],
    [0, { type: 'config', app: 'api', environment: 'production', settings: [] }],
    [10, { type: 'step-started', step: 'setup' }],
    [20, { type: 'output', stream: 'stderr', line: 'npm error missing script' }],
    [30, { type: 'result', ok: false, code: 1, text: 'npm ci ended with 1' }],
  ])
  const step = suiteOf(root, 'steps')?.children.at(-1)
  expect(step?.children.map(({ name }) => name)).toEqual(['failure', 'system-out'])
  expect(step?.children[1]?.text).toBe('npm error missing script')
})

test('a run that was stopped at once: hosts that had no end have failed', () => {
  const root = read([...rolledBack.slice(0, 15)])
  const hosts = suiteOf(root, 'hosts')?.children.filter(({ name }) => name === 'testcase')
  expect(hosts?.map(({ children }) => children[0]?.attributes['message'])).toEqual([
    'v1 -> v2',
    'ended while staged',
  ])
})

test('a failed rollback is an error', () => {
  const root = read([
    [0, at('web1', 'failed')],
    [1, { type: 'outcome', host: 'web1', outcome: 'rollback-failed', because: 'stuck', ms: 1 }],
  ])
  expect(root.attributes).toMatchObject({ errors: '1' })
})

test('what hosts write can neither break the document nor forge a part of it', () => {
  const hostile = `a]]></system-err><testcase name="x"/>\x00\x1b[31m\ud800\ufffe&lt;"'\t`
  const root = read([
    [0, at(`we${hostile}`, 'failed', hostile)],
    [0, { type: 'output', host: `we${hostile}`, of: 'service-log', stream: 'stderr', line: hostile }],
    [1, { type: 'result', ok: false, code: 1, text: hostile, fix: hostile }],
  ])
  expect(root.attributes['tests']).toBe('2')
  const host = root.children.at(-1)?.children.at(-1)
  expect(host?.attributes['name']).toContain('a]]></system-err><testcase name="x"/>')
  expect(host?.children[1]?.text).toContain('&lt;"\'')
})
