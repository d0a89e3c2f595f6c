import { duration, secretText, text, z } from '../fields.js'
import { buildPoints, hostPoints, type Hook, type HookFunction, type HookPoint } from '../hooks.js'
import type { HooksConfig } from '../hooks.js'
import * as names from '../names.js'
import { hostPath } from '../paths.js'
import { shown } from '../values.js'

/** Commands and functions around the steps of a deploy. */

const hookFunction = z.custom<HookFunction>((value) => typeof value === 'function')

const hookKeys = ['run', 'on', 'dir', 'timeout', 'env', 'failure', 'name']

const command = () => text(names.command, 'shell command')

const hookObject = z.strictObject(
  {
    run: z.union([command(), hookFunction]),
    on: z.enum(['local', 'hosts', 'first']).prefault('local'),
    dir: text(names.oneLine, 'path').exactOptional(),
    timeout: duration().prefault('60s'),
    env: z.record(text(names.variableName), secretText(names.noNul)).prefault({}),
    failure: z.enum(['stop', 'warn']).exactOptional(),
    name: text(names.oneLine, 'name').exactOptional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `unknown key. A hook has ${hookKeys.join(', ')}` : undefined,
  },
)

type Written = string | HookFunction | z.output<typeof hookObject>

const one = z.union([command(), hookFunction, hookObject])

function at(point: HookPoint, description: string) {
  return z
    .union([command(), hookFunction, hookObject, z.array(one)])
    .superRefine((value, context) => {
      const list = Array.isArray(value) ? value : [value]
      for (const [index, written] of list.entries()) {
        if (typeof written !== 'object') continue
        for (const { key, problem } of misfits(point, written))
          context.addIssue({
            code: 'custom',
            path: Array.isArray(value) ? [index, key] : [key],
            message: problem,
          })
      }
    })
    .transform((value): readonly Hook[] =>
      (Array.isArray(value) ? value : [value]).map((written) => hookOf(point, written)),
    )
    .meta({ label: 'hook or list of hooks' })
    .exactOptional()
    .describe(description)
}

function misfits(
  point: HookPoint,
  { run, on, dir, failure, env }: z.output<typeof hookObject>,
): readonly { readonly key: string; readonly problem: string }[] {
  const problems: { key: string; problem: string }[] = []
  const remote = on !== 'local'
  if (remote && buildPoints.some((each) => each === point))
    problems.push({ key: 'on', problem: `${shown(on)} needs hosts, and a build has none. Write local` })
  if (on === 'first' && hostPoints.some((each) => each === point))
    problems.push({ key: 'on', problem: `${point} is about one host already. Write hosts` })
  if (typeof run === 'function') {
    if (remote) problems.push({ key: 'on', problem: 'a function runs here. Write local, or a shell command' })
    if (dir !== undefined) problems.push({ key: 'dir', problem: 'is for commands. Remove it' })
    if (Object.keys(env).length > 0) problems.push({ key: 'env', problem: 'is for commands. Remove it' })
  }
  if (remote && dir !== undefined) {
    const problem = remoteDirectory(point, dir)
    if (problem !== undefined) problems.push({ key: 'dir', problem })
  }
  if (point === 'onFailure' && failure === 'stop')
    problems.push({ key: 'failure', problem: 'nothing is left to stop after a failure. Write warn' })
  return problems
}

function remoteDirectory(point: HookPoint, dir: string): string | undefined {
  if (dir === 'release' && point === 'beforeStage')
    return 'the release is not on the hosts yet. Write home, or use afterStage'
  if (['release', 'current', 'home'].includes(dir)) return undefined
  if (!dir.startsWith('/'))
    return `${shown(dir)} is no place. Write release, current, home or an absolute path`
  return hostPath(dir)
}

function hookOf(point: HookPoint, written: Written): Hook {
  const { run, on, dir, timeout, env, failure, name } =
    typeof written === 'object' ? written : { ...defaults, run: written }
  return {
    run,
    on,
    ...(dir === undefined ? {} : { dir }),
    timeout,
    env,
    failure: point === 'onFailure' ? 'warn' : (failure ?? (point.startsWith('before') ? 'stop' : 'warn')),
    name: name ?? nameOf(point, run),
  }
}

interface Defaults extends Omit<Hook, 'run' | 'failure' | 'name'> {
  readonly failure?: Hook['failure']
  readonly name?: string
}
const defaults: Defaults = { on: 'local', timeout: 60_000, env: {} }

/** The program's name alone: what follows may be a token, or a URL that is as good as one. */
function nameOf(point: HookPoint, run: string | HookFunction): string {
  // A function that is written in place is called like its key.
  if (typeof run === 'function') return ['', 'run', point].includes(run.name) ? 'function' : run.name
  const words = run.split(/[\s;&|]+/)
  return words.find((word) => /^[A-Za-z0-9_./-]+$/.test(word))?.slice(0, 60) ?? 'command'
}

export const hooks = z.strictObject({
  beforeSetup: at('beforeSetup', 'Before the app is built.'),
  afterSetup: at('afterSetup', 'After the app was built.'),
  beforeCommitDeps: at('beforeCommitDeps', 'Before the dependencies are committed.'),
  afterCommitDeps: at('afterCommitDeps', 'After the release was tagged.'),
  beforeArchive: at('beforeArchive', 'Before the archive is made.'),
  afterArchive: at('afterArchive', 'After the archive was made.'),
  beforePublish: at('beforePublish', 'Before the release goes into the store.'),
  afterPublish: at('afterPublish', 'After the release is in the store.'),
  beforeStage: at(
    'beforeStage',
    'Before the release is sent to hosts; hosts that join later come with a call of their own.',
  ),
  afterStage: at('afterStage', 'After the release is complete on these hosts.'),
  beforeRollout: at('beforeRollout', 'Before the first host of a deploy switches, and before migrate.'),
  afterRollout: at('afterRollout', 'After the last host of a deploy that nothing stopped.'),
  beforeBatch: at('beforeBatch', 'Before a batch is taken out of traffic and switched.'),
  afterBatch: at('afterBatch', 'After a batch is healthy and back in traffic.'),
  beforeHost: at('beforeHost', 'Before anything is done to a host.'),
  afterHost: at('afterHost', 'After a host is healthy, and its switch is final.'),
  beforeActivate: at('beforeActivate', 'Before a host switches and restarts.'),
  afterActivate: at('afterActivate', 'After a host restarted, and before its health is known.'),
  beforeSettle: at('beforeSettle', 'Before the health of a host is watched.'),
  afterSettle: at('afterSettle', 'After a host proved healthy, and before its switch is final.'),
  beforeRollback: at('beforeRollback', 'Before hosts go back, after a failure or by deliver rollback.'),
  afterRollback: at('afterRollback', 'After they went back.'),
  onFailure: at('onFailure', 'Once, at the end of a rollout in which something failed.'),
}) satisfies z.ZodType<HooksConfig>
