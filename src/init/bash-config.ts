/** Reads the `.deliver/config` of the bash tool as text. It is a program; nothing of it is ever run here. */
import type { Answers } from './answers.js'

export interface OldConfig {
  readonly variables: ReadonlyMap<string, string>
  readonly functions: readonly string[]
  /** Assignments that only a shell could work out. */
  readonly unread: readonly string[]
  /** Variables that are also set behind a condition, as in `[ -z "$X" ] || HOSTS=...` and `if`. */
  readonly conditional: readonly string[]
}

export function parseBashConfig(text: string): OldConfig {
  const variables = new Map<string, string>()
  const functions: string[] = []
  const unread: string[] = []
  const conditional = new Set<string>()
  let depth = 0
  let inFunction = false
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    if (inFunction) {
      if (/^\}/.test(line)) inFunction = false
      continue
    }
    const named = /^\s*(?:function\s+)?([A-Za-z_]\w*)\s*(?:\(\s*\)|(?=\{))\s*(\{?.*)$/.exec(line)
    if (named?.[1] !== undefined && (line.includes('(') || line.includes('function'))) {
      functions.push(named[1])
      inFunction = !/\}\s*$/.test(line)
      continue
    }
    const opens = /^\s*(if|case|for|while|until)\b/.test(line) ? 1 : 0
    const closes = /(^|;)\s*(fi|esac|done)\b/.test(line) ? 1 : 0
    if (depth + opens > 0 || /&&|\|\|/.test(line))
      for (const [, each = ''] of line.matchAll(/(?:^|[\s;&|)])([A-Z][A-Z0-9_]*)=/g)) conditional.add(each)
    const skipped = depth + opens > 0
    depth = Math.max(0, depth + opens - closes)
    if (skipped) continue
    const [, name, written] = /^\s*(?:export\s+|declare\s+(?:-\w+\s+)?)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? []
    if (name === undefined || written === undefined) continue
    const value = valueOf(written, variables)
    if (value === undefined) unread.push(name)
    else variables.set(name, value)
  }
  return { variables, functions, unread, conditional: [...conditional] }
}

/** One word of bash without commands in it; variables that were set before are put in. */
function valueOf(written: string, known: ReadonlyMap<string, string>): string | undefined {
  const [, single, double, bare] =
    /^\s*(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"#;&|<>()]*))\s*(?:[;#].*)?$/.exec(written) ?? []
  if (single !== undefined) return single
  const text = double ?? bare
  if (text === undefined || /`|\$\(/.test(text)) return undefined
  let unknown = false
  const value = text.replaceAll(
    /\$\{?([A-Za-z_]\w*)(?::?-([^}]*))?\}?/g,
    (_, name: string, fallback?: string) => {
      const found = known.get(name) ?? fallback
      unknown ||= found === undefined
      return found ?? ''
    },
  )
  return unknown || /\$/.test(value) ? undefined : value.replaceAll(/\\(.)/g, '$1')
}

/** Steps of the bash tool, and the points that are nearest to them. */
const points: Readonly<Record<string, string>> = {
  pre_git_push: 'beforeStage',
  post_git_push: 'afterStage',
  pre_npm_install: 'beforeSetup',
  post_npm_install: 'afterSetup',
  pre_bundle_install: 'beforeSetup',
  post_bundle_install: 'afterSetup',
  pre_launch: 'beforeRollout',
  post_launch: 'afterRollout',
  pre_upstart: 'beforeRollout',
  post_upstart: 'afterRollout',
}

const dropped: Readonly<Record<string, string>> = {
  GIT_PUSH: 'nothing is pushed to hosts any more; they get archives',
  GIT_REMOTE: 'nothing is pushed to hosts any more; they get archives',
  REFSPEC: 'the commit that is checked out is built; check that branch out before deliver ship',
  BRANCH: 'the commit that is checked out is built; check that branch out before deliver ship',
  REVISION: 'the commit that is checked out is built',
  LOG_FILE: 'all that happens is printed; deliver history and deliver logs tell the rest',
  AUTHORIZED_REMOTE_HOSTS: 'host keys are verified: put them into ssh.knownHosts',
  FOREMAN_EXTRAS: 'deliver init --units upstart writes the jobs of the Procfile once; install them on hosts',
  PERMISSIONS: 'do it in a hook: hooks.afterStage with on: hosts',
  OWNER: 'do it in a hook: hooks.afterStage with on: hosts',
  GROUP: 'do it in a hook: hooks.afterStage with on: hosts',
  S3_BUCKET: 'store is for releases; to publish assets use a hook: hooks.afterSetup',
  GENERATED_BRANCH: 'generated files need no branch: build.deps carries them into the release',
  MODE: 'use --quiet, --verbose or --plain',
}

/** What the old config says in the new words, and a note for each thing that is not as it was. */
export function translate({ variables, functions, unread, conditional }: OldConfig): {
  readonly answers: Partial<Answers>
  readonly notes: readonly string[]
} {
  const notes = unread.map(
    (name) => `${name}: its value is worked out by bash, so it was left out; write it by hand.`,
  )
  for (const name of conditional)
    notes.push(`${name} is set under a condition too, which was not read: environments can say what differs.`)
  const value = (...names: readonly string[]) => names.map((name) => variables.get(name)).find((each) => each)
  const hosts = value('HOSTS', 'SERVERS', 'SERVER')
    ?.split(/[\s,]+/)
    .filter(Boolean)
  const user = value('APP_USER', 'APP')
  const app = value('APP')
  const to = value('DELIVER_TO')
  const path = to ?? (user === undefined ? undefined : `/home/${user}/${app ?? user}`)
  const port = Number(value('PORT'))
  const timeout = value('SSH_TIMEOUT')
  const setup = value('GENERATE_CMD')
  for (const [name, because] of Object.entries(dropped))
    if (variables.has(name)) notes.push(`${name} was dropped: ${because}.`)
  const strategy = value('STRATEGY')
  if (strategy !== undefined)
    notes.push(`STRATEGY=${strategy}: there is one way now: build here, stage everywhere, switch in batches.`)
  if (path !== undefined)
    notes.push(
      `${path}: was a git work tree; deliver keeps releases/ and current there. Let the service run in ${path}/current.`,
    )
  const hooks: Record<string, string> = {}
  for (const name of functions.filter((each) => /^(pre|post)_/.test(each))) {
    const point = points[name]
    if (point === undefined || hooks[point] !== undefined) {
      notes.push(`${name}() was left out: no step is like it. docs/hooks.md has the points.`)
      continue
    }
    hooks[point] = `bash -c '. ./.deliver/config && ${name}'`
    notes.push(
      `${name}() runs as hooks.${point}; the old file must stay for it. It ran at a slightly other time, and with functions of the bash tool (run, ...) that are gone.`,
    )
  }
  for (const name of functions.filter((each) => !/^(pre|post)_/.test(each)))
    notes.push(`${name}() was left out: steps can't be replaced, only surrounded by hooks.`)
  const supervisor = value('SUPERVISOR') ?? 'upstart'
  if (supervisor !== 'upstart')
    notes.push(`SUPERVISOR=${supervisor}: write service: { restart: '...' } by hand.`)
  return {
    answers: {
      ...(app === undefined ? {} : { app }),
      ...(hosts === undefined || hosts.length === 0 ? {} : { hosts }),
      ...(user === undefined ? {} : { user }),
      ...(path === undefined ? {} : { path }),
      ...(Number.isInteger(port) && port > 0 ? { port } : {}),
      ...(timeout !== undefined && /^[1-9]\d*$/.test(timeout) ? { connectTimeout: `${timeout}s` } : {}),
      ...(setup === undefined ? {} : { setup }),
      ...(supervisor === 'upstart' && app !== undefined ? { service: `upstart:${app}` } : {}),
      hooks,
    },
    notes,
  }
}
