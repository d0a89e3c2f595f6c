import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatPath } from '../config/problems.js'
import { resolveConfig } from '../config/resolve.js'
import { adviceOf, DeliverError, exitCodes } from '../errors.js'
import { configOf, serviceOf, type Answers } from '../init/answers.js'
import { parseBashConfig, translate } from '../init/bash-config.js'
import { configText } from '../init/config-text.js'
import { detect, type Detected } from '../init/detect.js'
import { jenkinsfile, npmScripts } from '../init/jenkinsfile.js'
import { jobFiles } from '../init/procfile.js'
import type { CommandContext, CommandResult } from './context.js'

export interface InitOptions {
  readonly app?: string | undefined
  /** Comma separated: `web1`, `deploy@web1`, `web1:2222`. */
  readonly hosts?: string | undefined
  readonly user?: string | undefined
  readonly path?: string | undefined
  /** `systemd:api`, `upstart:api`, `pm2:api`, or `none`. */
  readonly service?: string | undefined
  /** A directory, or `s3://bucket/prefix`. */
  readonly store?: string | undefined
  readonly health?: string | undefined
  /** Read `.deliver/config` of the bash tool. */
  readonly fromDeliver?: boolean | undefined
  readonly jenkinsfile?: boolean | undefined
  readonly scripts?: boolean | undefined
  /** `systemd` or `upstart`: jobs for the process types of the Procfile. */
  readonly units?: string | undefined
  readonly force?: boolean | undefined
  /** Whether `check` runs at the end. Default: true. */
  readonly check?: boolean | undefined
  /** Ask nothing: take what was detected. */
  readonly yes?: boolean | undefined
}

interface NewFile {
  readonly file: string
  readonly text: string
  /** It was there and gets something added. */
  readonly grows?: boolean
}

/** `deliver init`: writes a config for the app in this directory. Nothing is written unless all of it can be. */
export async function init(context: CommandContext, options: InitOptions = {}): Promise<CommandResult> {
  const { reporter, cwd } = context
  const found = await detect(cwd)
  const old = options.fromDeliver === true ? await readOld(cwd) : undefined
  tellDetected(context, found)
  const answers = await answersOf(context, options, { ...detectedAnswers(found), ...old?.answers })
  checkAnswers(answers)
  const files: readonly NewFile[] = [
    { file: 'deliver.config.ts', text: configText(answers, old?.notes) },
    ...(options.jenkinsfile === true ? [{ file: 'Jenkinsfile', text: jenkinsfile }] : []),
    ...unitsOf(options, found, answers),
    ...(options.scripts === true ? [await withScripts(cwd, options.force === true)] : []),
  ]
  if (options.force !== true) await refuseExisting(cwd, files)
  for (const { file, text } of files) {
    await writeFile(join(cwd, file), text)
    reporter.event({ type: 'note', text: `wrote ${file}` })
  }
  for (const text of old?.notes ?? []) reporter.event({ type: 'note', text })
  const data = { files: files.map(({ file }) => file), notes: old?.notes ?? [] }
  const text = `${answers.app} is set up. Commit deliver.config.ts, then: deliver ship`
  if (options.check === false) return { code: exitCodes.done, text, data }
  return { code: exitCodes.done, text: `${text} (${await checked(context)})`, data }
}

/** What stands in the way of a deploy is no failure of init, which has written what it was to write. */
async function checked(context: CommandContext): Promise<string> {
  const { check } = await import('./check.js')
  try {
    return `deliver check: ${(await check(context)).text}`
  } catch (error) {
    context.interrupt.signal.throwIfAborted()
    return `deliver check could not end: ${adviceOf(error)}`
  }
}

function tellDetected({ reporter }: CommandContext, found: Detected): void {
  const facts = [
    ...(found.installer === undefined ? [] : [`installs with ${found.installer}`]),
    ...(found.node === undefined ? [] : [`Node ${found.node}`]),
    ...(found.start === undefined ? [] : [`starts with "${found.start}"`]),
    ...(found.processes.length === 0
      ? []
      : [`Procfile: ${found.processes.map(({ name }) => name).join(', ')}`]),
    ...(found.jenkinsfile ? ['a Jenkinsfile'] : []),
  ]
  reporter.event({ type: 'note', text: `found ${found.app}${facts.map((fact) => `; ${fact}`).join('')}` })
}

function detectedAnswers({ app, processes, service }: Detected): Partial<Answers> {
  const main = processes.find(({ name }) => name === 'web') ?? processes[0]
  const job = main === undefined ? app : `${app}-${main.name}`
  return { app, path: `/srv/${app}`, service: service ?? `systemd:${job}` }
}

async function readOld(cwd: string): Promise<ReturnType<typeof translate>> {
  const text = await readFile(join(cwd, '.deliver/config'), 'utf8').catch((cause: unknown) => {
    throw new DeliverError('precondition', '.deliver/config can not be read here', {
      cause,
      fix: 'Run deliver init --from-deliver in the directory that has .deliver.',
    })
  })
  return translate(parseBashConfig(text))
}

/** Options first, then a person, then what was detected. */
async function answersOf(
  context: CommandContext,
  options: InitOptions,
  known: Partial<Answers>,
): Promise<Answers> {
  const askFor = options.yes === true ? undefined : context.askFor
  const lacking: string[] = []
  const answer = async (option: string, question: string, fallback?: string): Promise<string> => {
    const given = new Map<string, unknown>(Object.entries(options)).get(option)
    if (typeof given === 'string') return given
    const value = askFor === undefined ? (fallback ?? '') : await askFor(question, fallback)
    if (value === '') lacking.push(`--${option}`)
    return value
  }
  const app = await answer('app', 'Name of the app', known.app)
  const hosts = await answer('hosts', 'Hosts, comma separated', known.hosts?.join(','))
  const path = await answer('path', 'Where it lives on hosts', known.path)
  const service = await answer(
    'service',
    'Service: systemd:NAME, upstart:NAME, pm2:NAME or none',
    known.service,
  )
  const store = await answer('store', 'Where releases live: a directory, or s3://bucket/prefix')
  const user = options.user ?? known.user
  if (lacking.length > 0)
    throw new DeliverError('usage', `init: nobody can be asked for ${lacking.join(', ')}`, {
      fix: `Give them: deliver init ${lacking.map((option) => `${option} ...`).join(' ')}.`,
    })
  return {
    ...known,
    app,
    hosts: hosts.split(/[\s,]+/).filter((host) => host !== ''),
    path,
    store,
    service,
    ...(user === undefined ? {} : { user }),
    ...(options.health === undefined ? {} : { health: options.health }),
  }
}

function checkAnswers(answers: Answers): void {
  if (answers.service !== 'none' && answers.service !== undefined && serviceOf(answers.service) === undefined)
    throw new DeliverError('usage', `--service: ${JSON.stringify(answers.service)} is no service`, {
      fix: 'Write systemd:NAME, upstart:NAME, pm2:NAME or none.',
    })
  const { problems } = resolveConfig({
    exported: configOf(answers),
    environment: undefined,
    overrides: [],
  })
  if (problems.length === 0) return
  const lines = problems.map(({ path, text }) => `  ${formatPath(path)}: ${text}`)
  throw new DeliverError('usage', [`init: this would be no valid config:`, ...lines].join('\n'), {
    fix: 'Nothing was written. Give other values; deliver init --help lists the options.',
  })
}

function unitsOf(options: InitOptions, found: Detected, answers: Answers): readonly NewFile[] {
  const { units } = options
  if (units === undefined) return []
  if (units !== 'systemd' && units !== 'upstart')
    throw new DeliverError('usage', `--units: ${JSON.stringify(units)} is unknown`, {
      fix: 'Write systemd or upstart.',
    })
  const { app, path, user } = answers
  if (found.processes.length === 0)
    throw new DeliverError('precondition', '--units: there is no Procfile with a process type here', {
      fix: 'Write one, e.g. web: npm start.',
    })
  if (user === undefined || !path.startsWith('/'))
    throw new DeliverError('usage', '--units: a job needs a user and an absolute path', {
      fix: 'Give them: --user deploy --path /srv/api.',
    })
  return jobFiles(units, found.processes, { app, path, user })
}

async function refuseExisting(cwd: string, files: readonly NewFile[]): Promise<void> {
  const there: string[] = []
  for (const { file, grows } of files) if (grows !== true && (await exists(join(cwd, file)))) there.push(file)
  if (there.length === 0) return
  throw new DeliverError('precondition', `${there.join(' and ')}: there already; nothing was written`, {
    fix: 'Move it away, or overwrite it with --force.',
  })
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** package.json with our scripts, in its own indentation. Scripts of the same name stay, unless forced. */
async function withScripts(cwd: string, force: boolean): Promise<NewFile> {
  const file = 'package.json'
  try {
    const text = await readFile(join(cwd, file), 'utf8')
    const manifest: unknown = JSON.parse(text)
    if (typeof manifest !== 'object' || manifest === null) throw new Error('it is no object')
    const own: unknown = 'scripts' in manifest ? manifest.scripts : {}
    const scripts = typeof own === 'object' && own !== null ? own : {}
    const merged = force ? { ...scripts, ...npmScripts } : { ...npmScripts, ...scripts }
    const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  '
    return { file, text: `${JSON.stringify({ ...manifest, scripts: merged }, null, indent)}\n`, grows: true }
  } catch (cause) {
    throw new DeliverError('precondition', `--scripts: package.json can't be read`, {
      cause,
      fix: 'Write a package.json, or leave --scripts out.',
    })
  }
}
