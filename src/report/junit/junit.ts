import type { HostModel } from '../model/host-model.js'
import type { RunModel, StepModel } from '../model/run-model.js'
import { showBytes } from '../units.js'
import { element, xml, type Element } from './xml.js'

/**
 * A run as test results, in the shape that Jenkins reads: its steps, its hosts, and the command as a whole, each a case. Names
 * don't hold the release, so that the trend of a host or step goes on from deploy to deploy.
 */
export function junitOf(model: RunModel): string {
  const where = ['deliver', model.app, model.environment].filter((part) => part !== '').join('.')
  const suites = [
    suite(`${where}.run`, model, [runCase(model, `${where}.run`)]),
    suite(`${where}.steps`, model, stepCases(model, `${where}.steps`)),
    suite(
      `${where}.hosts`,
      model,
      [...model.hosts.values()].map((host) => hostCase(model, host, `${where}.hosts`)),
    ),
  ].filter(({ cases }) => cases.length > 0)
  const all = suites.flatMap(({ cases }) => cases)
  const counts = countsOf(all)
  return xml(
    element(
      'testsuites',
      {
        name: where,
        time: time(ended(model) - model.startedAt),
        tests: counts.tests,
        failures: counts.failures,
        errors: counts.errors,
      },
      ...suites.map((each) => each.element),
    ),
  )
}

const ended = (model: RunModel): number => model.endedAt ?? model.startedAt
const time = (ms: number): string => (Math.max(0, ms) / 1000).toFixed(3)

function suite(
  name: string,
  model: RunModel,
  cases: readonly Element[],
): { readonly cases: readonly Element[]; readonly element: Element } {
  const sum = cases.reduce((ms, { attributes }) => ms + Number(attributes['time'] ?? 0) * 1000, 0)
  const properties: readonly (readonly [string, string | undefined])[] = [
    ['command', model.command],
    ['release', model.plan?.release],
    ['exit code', model.result === undefined ? undefined : String(model.result.code)],
  ]
  const given = properties.flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [element('property', { name: key, value })],
  )
  return {
    cases,
    element: element(
      'testsuite',
      {
        name,
        ...countsOf(cases),
        time: time(sum),
        timestamp: new Date(model.startedAt).toISOString().slice(0, 19),
      },
      element('properties', {}, ...given),
      ...cases,
    ),
  }
}

function countsOf(cases: readonly Element[]) {
  const of = (name: string): string =>
    String(
      cases.filter(({ children }) =>
        children.some((child) => typeof child !== 'string' && child.name === name),
      ).length,
    )
  return {
    tests: String(cases.length),
    failures: of('failure'),
    errors: of('error'),
    skipped: of('skipped'),
  }
}

function runCase(model: RunModel, classname: string): Element {
  const { result } = model
  const of = { name: model.command || 'deliver', classname, time: time(ended(model) - model.startedAt) }
  if (result === undefined || result.ok) return element('testcase', of)
  const text = [result.text, result.fix ?? ''].filter((line) => line !== '').join('\n')
  return element('testcase', of, problem('failure', `exit ${result.code}`, result.text, text))
}

function problem(
  name: 'failure' | 'error' | 'skipped',
  type: string,
  message: string,
  text: string,
): Element {
  return element(name, { type, message }, ...(text === '' ? [] : [text]))
}

/** A step that is done twice, as staging is for hosts that joined, is one case. */
function stepCases(model: RunModel, classname: string): readonly Element[] {
  const byName = new Map<string, StepModel[]>()
  for (const step of model.steps) byName.set(step.name, [...(byName.get(step.name) ?? []), step])
  return [...byName].map(([name, steps]) => {
    const ms = steps.reduce((sum, { from, to = ended(model) }) => sum + to - from, 0)
    const broken = steps.some(({ to }) => to === undefined)
    const children = broken ? stepProblem(model) : []
    return element('testcase', { name, classname, time: time(ms) }, ...children)
  })
}

/** A step without an end is one in which the run ended. */
function stepProblem({ result, output }: RunModel): readonly Element[] {
  const failure = problem('failure', 'unfinished', result?.text ?? 'it did not end', result?.fix ?? '')
  return output.length === 0 ? [failure] : [failure, element('system-out', {}, output.join('\n'))]
}

function hostCase(model: RunModel, host: HostModel, classname: string): Element {
  const { outcome } = host
  const took = outcome?.ms ?? (host.spans.at(-1)?.to ?? ended(model)) - host.startedAt
  return element(
    'testcase',
    { name: host.name, classname, time: time(took) },
    ...verdict(host),
    ...(host.log.length === 0 ? [] : [element('system-err', {}, host.log.join('\n'))]),
    element('system-out', {}, factsOf(host).join('\n')),
  )
}

function verdict({ outcome, state, detail, log }: HostModel): readonly Element[] {
  const because = outcome?.because ?? detail ?? ''
  const kind = outcome?.kind ?? (state === 'done' ? 'done' : 'failed')
  switch (kind) {
    case 'done':
    case 'unchanged':
      return []
    case 'skipped':
    case 'gone':
      return [problem('skipped', kind, because, '')]
    case 'failed':
    case 'rolled-back':
      return [problem('failure', kind, because || `ended while ${state}`, log.join('\n'))]
    case 'rollback-failed':
      return [problem('error', kind, because, log.join('\n'))]
  }
}

function factsOf({ outcome, sent, sentAs, probed }: HostModel): readonly string[] {
  return [
    ...(outcome?.runs === undefined ? [] : [`runs ${outcome.runs ?? 'nothing'}`]),
    ...(sent > 0 ? [`sent ${showBytes(sent)} (${sentAs ?? 'archive'})`] : ['sent nothing']),
    `health: ${probed.good} good answers, ${probed.bad} bad`,
  ]
}
