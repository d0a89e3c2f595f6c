/** What is in the store: its rights and promises, the lock, the pointer. */
import { listed, showCount } from '../report/units.js'
import { byItself, finderOf, type Finding } from './finding.js'
import type {
  BegunFacts,
  ConfigFacts,
  LockFacts,
  Looked,
  PointerFacts,
  StoreFacts,
  StoreTrial,
} from './facts.js'

export function judgeStore(
  { name, steps, unfinished }: StoreFacts,
  config: ConfigFacts | undefined,
): readonly Finding[] {
  const is = finderOf('store')
  const bad = distinct(steps.filter(({ wrong, trouble }) => wrong !== undefined || trouble !== undefined))
  return [
    ...(bad.length === 0
      ? [
          is.ok(
            `${name}: put, get, list, compare-and-set and delete work, and what is there is never overwritten`,
          ),
        ]
      : []),
    ...bad.map(({ step, wrong, trouble }) => {
      if (trouble === undefined)
        return is.problem(
          `${name}: ${wrong ?? ''}`,
          'Use a store with conditional writes: AWS S3, a current MinIO, or a directory on a file system with hard links.',
        )
      const optional = step === 'uploads' || (step === 'delete' && config?.prunesStore !== true)
      return optional
        ? is.warning(trouble.what, trouble.fix ?? 'Check the store.')
        : is.problem(trouble.what, trouble.fix)
    }),
    ...(unfinished.length === 0
      ? []
      : [
          is.warning(
            `${showCount(unfinished.length, 'upload')} never ended. They cost money and show in no listing: ${listed(unfinished)}`,
            'They are older than a day. End them: deliver check --fix.',
            'uploads',
          ),
        ]),
  ]
}

/** What one missing right or setting makes fail, once. */
function distinct(trials: readonly StoreTrial[]): readonly StoreTrial[] {
  const told = new Set<string>()
  return trials.filter(({ step, trouble }) => {
    const what = trouble?.fix ?? step
    const isNew = !told.has(what)
    told.add(what)
    return isNew
  })
}

export function judgeLock(looked: Looked<LockFacts | undefined>): readonly Finding[] {
  const is = finderOf('lock')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const lock = looked.value
  if (lock === undefined) return [is.ok('free: nobody deployed yet')]
  const { state, holder, id, changed } = lock
  if (state === 'held')
    return [
      is.warning(
        `${holder} holds it: what else is found may be its work`,
        `Check again when it has ended. If it is dead, free the lock: deliver unlock ${id}`,
      ),
    ]
  return [
    state === 'released'
      ? is.ok(`free, last held by ${holder}`)
      : is.warning(
          `${holder} never ended: its lock has run out or its process is gone`,
          `The next deploy takes it over. ${byItself}`,
          'lock',
        ),
    ...(changed.length === 0
      ? []
      : [
          is.problem(
            `${holder} left undone: ${changed.join(', ')}`,
            `The next deploy undoes it first. ${byItself}`,
            'changes',
          ),
        ]),
  ]
}

/** While a deploy is under way it may be the one that it runs. */
export function judgeBegun(
  looked: Looked<readonly BegunFacts[]>,
  lock: LockFacts | undefined,
): readonly Finding[] {
  const is = finderOf('lock')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  if (lock?.state === 'held') return []
  return looked.value.map(({ release, host, at, by }) =>
    is.warning(
      `a migration to ${release} was begun on ${host} at ${at} by ${by}, and how it ended is not known`,
      `The next deploy of ${release} asks ${host}. Without that host, it wants --migrate run or --migrate skip.`,
    ),
  )
}

export function judgePointer(looked: Looked<PointerFacts>): readonly Finding[] {
  const is = finderOf('pointer')
  if (looked.kind === 'failed') return [is.problem(looked.trouble.what, looked.trouble.fix)]
  const { current, alias } = looked.value
  if (current === undefined) return [is.ok('none yet: the first deploy makes it')]
  const { release, generation, movedAt, movedBy, published, missing } = current
  const again = `Publish ${release} again, or deploy another release.`
  return [
    ...(published && missing.length === 0
      ? [is.ok(`${release}, generation ${generation}, since ${movedAt} by ${movedBy}`)]
      : []),
    ...(published
      ? []
      : [is.problem(`it names ${release}, which the store has not, or with another archive`, again)]),
    ...(missing.length === 0
      ? []
      : [
          is.problem(
            `it names ${release}, and the store lacks ${missing.join(', ')}, or has it in another size: new servers can't get it`,
            again,
          ),
        ]),
    ...(alias === undefined ? [] : [judgeAlias(alias, release)]),
  ]
}

function judgeAlias(looked: NonNullable<PointerFacts['alias']>, release: string): Finding {
  const is = finderOf('pointer')
  if (looked.kind === 'failed') return is.problem(looked.trouble.what, looked.trouble.fix)
  const { name, holds } = looked.value
  return holds
    ? is.ok(`${name} has it`)
    : is.problem(`${name} has something else than ${release}`, byItself, 'alias')
}
