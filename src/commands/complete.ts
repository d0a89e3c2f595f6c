import type { Completion, Context } from '../guidance/completion.js'
import { findConfig } from '../config/find.js'
import { loadConfig } from '../config/load.js'
import { plainCopy } from '../config/plain.js'
import { environmentsOf } from '../config/resolve.js'
import type { Config } from '../config/types.js'
import { listReleases } from '../store/releases.js'
import { openFleet, openStore } from '../wire.js'

type Names = Extract<Completion, { readonly kind: 'names' }>

interface Here {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** The newest releases are what people mean. */
const mostReleases = 50

/** The names that a word may become. Rejects when the config, the store or the fleet can't tell. */
export async function namesFor(
  { of, typed, prefix, context }: Names,
  here: Here,
): Promise<readonly string[]> {
  // Of a list only its last name is being written.
  const list = of === 'hosts' ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  const there = list.split(',')
  const names = await (of === 'environments' ? environments(context, here) : named(of, context, here))
  return names
    .filter((name) => name.startsWith(typed.slice(list.length)) && !there.includes(name))
    .map((name) => `${prefix}${list}${name}`)
}

async function environments({ config }: Context, { cwd, env }: Here): Promise<readonly string[]> {
  const found = await findConfig(cwd, config ?? (env['DELIVER_CONFIG'] || undefined))
  return environmentsOf(plainCopy(found.exported).value)
}

async function named(of: 'releases' | 'hosts', context: Context, here: Here): Promise<readonly string[]> {
  const config = await loadConfig({
    cwd: here.cwd,
    env: here.env,
    file: context.config,
    environment: context.environment,
  })
  return of === 'hosts' ? hosts(config, here) : releases(config)
}

async function hosts(config: Config, { signal }: Here): Promise<readonly string[]> {
  const silent = { event: () => undefined, close: () => Promise.resolve() }
  const fleet = await openFleet(config, silent)
  return (await fleet.hosts(signal)).map(({ name }) => name)
}

async function releases(config: Config): Promise<readonly string[]> {
  const listed = await listReleases(await openStore(config), config.app)
  return listed.slice(0, mostReleases).map(({ release }) => release)
}
