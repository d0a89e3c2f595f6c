import { readFile, realpath, stat } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { startProcess } from '../adapters/process.js'

type Environment = Readonly<Record<string, string | undefined>>

/** What an installer sees of the machine and the user, as JSON can hold it. */
export async function machineFacts(command: string, env: Environment): Promise<unknown> {
  const node = await programIn(env, 'node')
  const manager = await programIn(env, command.trim().split(/\s/)[0] ?? '')
  return {
    runtime: node === (await realpath(process.execPath)) ? ownRuntime() : await askRuntime(node, env),
    manager: manager === undefined ? undefined : [manager, await versionAbove(manager)],
    variables: Object.entries(env)
      .filter(([name]) => decides(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    settings: await userSettings(env),
  }
}

function ownRuntime(): unknown {
  const { arch, platform, version } = process
  return [version, process.versions.modules, platform, arch, libc()]
}

/** glibc's version, or that it is another one. */
function libc(): string {
  if (process.platform !== 'linux') return ''
  const { report } = process
  // It would look up names of hosts.
  Reflect.set(report, 'excludeNetwork', true)
  const written: unknown = report.getReport()
  const header: unknown =
    typeof written === 'object' && written !== null ? Reflect.get(written, 'header') : undefined
  const version: unknown =
    typeof header === 'object' && header !== null ? Reflect.get(header, 'glibcVersionRuntime') : undefined
  return typeof version === 'string' ? `glibc ${version}` : 'other'
}

const asked = `process.report.excludeNetwork = true
const { glibcVersionRuntime } = process.report.getReport().header
const libc = glibcVersionRuntime ? 'glibc ' + glibcVersionRuntime : 'other'
JSON.stringify([process.version, process.versions.modules, process.platform, process.arch, libc])`

/** The Node that setup runs with may be another than ours. */
async function askRuntime(node: string | undefined, env: Environment): Promise<unknown> {
  if (node === undefined) return undefined
  const running = startProcess({ command: node, args: ['-p', asked], cwd: '/', env, timeout: 10_000 })
  let said = ''
  running.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  running.stderr.resume()
  await running.ended
  return [node, said.trim()]
}

async function programIn(env: Environment, name: string): Promise<string | undefined> {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    if (name === '' || directory === '') continue
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile() === true && (found.mode & 0o111) !== 0) return realpath(path)
  }
  return undefined
}

/** Of the package that a program belongs to. */
async function versionAbove(program: string): Promise<string | undefined> {
  for (let at = dirname(program); at !== dirname(at); at = dirname(at)) {
    const text = await readFile(join(at, 'package.json'), 'utf8').catch(() => undefined)
    const [, version] = /"version"\s*:\s*"([^"]*)"/.exec(text ?? '') ?? []
    if (version !== undefined) return version
  }
  return undefined
}

/** Tokens change with every job, and decide nothing. */
const credential = /auth|password|token|username|email|\bkey\b|certfile|keyfile|\botp\b/i

/** Told by npm to whatever it runs: where things are, and who asks. */
const idle =
  /^npm_config_(user_agent|cache|prefix|local_prefix|global_prefix|node_gyp|init_module|globalconfig|userconfig|noproxy|npm_version|https?_proxy|proxy|loglevel|progress|color|fund|audit|update_notifier)$/i

function decides(name: string): boolean {
  if (credential.test(name) || idle.test(name)) return false
  return /^(npm_config|yarn|pnpm|bun)_|^(NODE_ENV|NODE_OPTIONS|CC|CXX|CFLAGS|CXXFLAGS|CPPFLAGS|LDFLAGS)$/i.test(
    name,
  )
}

/** What the user's own npm settings say, but for credentials. */
async function userSettings(env: Environment): Promise<readonly string[]> {
  const path = env.npm_config_userconfig ?? env.NPM_CONFIG_USERCONFIG ?? join(env.HOME ?? '/', '.npmrc')
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#;]/.test(line) && !credential.test(line))
}
