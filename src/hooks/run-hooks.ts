import type { LineRedactor } from '../adapters/line-splitter.js'
import type { Hook, HookValues } from '../config/hooks.js'
import type { Config } from '../config/types.js'
import type { SecretText } from '../config/secret.js'
import { adviceOf, DeliverError } from '../errors.js'
import type { Slots } from '../execute/parallel.js'
import type { StepHost } from '../execute/steps.js'
import type { Clock } from '../ports.js'
import type { Reporter } from '../report/events.js'
import { BoundedOutput } from './bounded-output.js'
import { callFunction } from './function.js'
import { runOnHost } from './remote-command.js'
import { hookVariables, variablesOf } from './variables.js'
import { lazily } from '../lazily.js'

const loadLocalCommand = lazily(() => import('./local-command.js'))

/** What all hooks of one command share. */
export interface HookWorld {
  readonly config: Config
  /** The environment of deliver itself; commands that run here inherit it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly reporter: Reporter
  readonly clock: Clock
  /** For calls to hosts and processes here: a batch of hundreds must not start hundreds at once. */
  readonly slots: { readonly hosts: Slots; readonly here: Slots }
  /** Reads the secrets among a hook's variables. `where`: the key of the config. */
  readonly reveal: (
    values: Readonly<Record<string, SecretText>>,
    where: string,
  ) => Promise<Readonly<Record<string, string>>>
  /** Hides them in what a command prints. */
  readonly redactor: LineRedactor
}

/** One point that was reached. */
export interface Occasion {
  readonly values: HookValues
  /** The hosts that the step is about; none around build steps. */
  readonly hosts: readonly StepHost[]
  /** Whether the release is on these hosts by now. */
  readonly staged: boolean
  readonly signal: AbortSignal
}

interface Failure {
  readonly host?: string
  readonly because: string
}

/**
 * Runs the hooks of one point, in the order of the list. A failure of one that says `stop` rejects, and those after it don't
 * run; a failure of one that says `warn` is a warning.
 */
export async function runHooks(world: HookWorld, occasion: Occasion): Promise<void> {
  const { point } = occasion.values
  for (const hook of world.config.hooks?.[point] ?? []) {
    const failures = await runHook(world, occasion, hook)
    if (failures.length === 0) continue
    const text = `hook ${point}: ${hook.name} ${failures.map(inWords).join('; ')}`
    if (hook.failure === 'stop')
      throw new DeliverError('failed', text, {
        fix: `Mend the command, or let it only warn: hooks.${point}: { run, failure: 'warn' }.`,
      })
    const [only] = failures
    const host = failures.length === 1 ? (only?.host ?? occasion.values.host) : undefined
    world.reporter.event({ type: 'warning', ...(host === undefined ? {} : { host }), text })
  }
}

function inWords({ host, because }: Failure): string {
  return host === undefined ? because : `${because} on ${host}`
}

async function runHook(world: HookWorld, occasion: Occasion, hook: Hook): Promise<readonly Failure[]> {
  const { values } = occasion
  const { run } = hook
  if (typeof run === 'function') {
    say(world, values.host, `hook ${values.point}: ${hook.name}`)
    const because = await callFunction({
      run,
      values,
      note: (text) => say(world, values.host, text),
      timeout: hook.timeout,
      clock: world.clock,
      signal: occasion.signal,
    })
    return because === undefined ? [] : [{ because }]
  }
  let env: Readonly<Record<string, string>>
  try {
    env = await world.reveal(hook.env, `hooks.${values.point}.env`)
  } catch (error) {
    return [{ because: `could not be run: ${adviceOf(error)}` }]
  }
  if (hook.on === 'local') {
    const because = await world.slots.here(() => commandHere(world, occasion, { hook, command: run, env }))
    return because === undefined ? [] : [{ because }]
  }
  const hosts = hook.on === 'first' ? occasion.hosts.slice(0, 1) : occasion.hosts
  const ends = await Promise.all(
    hosts.map((on) =>
      world.slots.hosts(() => commandOnHost(world, occasion, { hook, command: run, env, on })),
    ),
  )
  return ends.flatMap((because, index) => {
    const host = hosts[index]?.host.name
    return because === undefined || host === undefined ? [] : [{ host, because }]
  })
}

interface Command {
  readonly hook: Hook
  readonly command: string
  /** The hook's own variables. */
  readonly env: Readonly<Record<string, string>>
}

async function commandHere(
  { config, env, reporter, redactor }: HookWorld,
  { values, signal }: Occasion,
  { hook, command, env: own }: Command,
): Promise<string | undefined> {
  say({ reporter }, values.host, `hook ${values.point}: ${hook.name}`)
  const output = new BoundedOutput(reporter, values.host)
  // A deliver that was started by a hook of another must not hand on what that one was told.
  const unset = Object.fromEntries(hookVariables.map((name) => [name, undefined]))
  const { runHere } = await loadLocalCommand()
  const because = await runHere({
    hook,
    command,
    directory: config.directory,
    env: { ...env, ...unset, ...own, ...variablesOf(values) },
    signal,
    redactor,
    onLine: (stream, line) => output.line(stream, line),
  })
  output.end()
  return because
}

async function commandOnHost(
  { reporter }: HookWorld,
  { values, staged, signal }: Occasion,
  { hook, command, env, on }: Command & { readonly on: StepHost },
): Promise<string | undefined> {
  const { name } = on.host
  say({ reporter }, name, `hook ${values.point}: ${hook.name}`)
  const output = new BoundedOutput(reporter, name)
  const own = { ...values, host: name, release: on.step.to, previous: on.step.from ?? '' }
  // The host knows its own absolute path.
  const variables = Object.entries(variablesOf(own)).filter(([variable]) => variable !== 'DELIVER_PATH')
  const because = await runOnHost({
    hook,
    command,
    on,
    env: { ...env, ...Object.fromEntries(variables) },
    staged,
    signal,
    onLine: (line) => output.line('stdout', line),
  })
  output.end()
  return because
}

/** What the host runs; a host without a release has no previous one, whatever the pointer says. */
export function previousOf({ step }: StepHost): { readonly previous?: string } {
  return step.from === null ? {} : { previous: step.from }
}

function say({ reporter }: Pick<HookWorld, 'reporter'>, host: string | undefined, text: string): void {
  reporter.event({ type: 'note', ...(host === undefined ? {} : { host }), text })
}
