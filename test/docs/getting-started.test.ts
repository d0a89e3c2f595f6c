import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { command } from '../integration/rig/command.js'
import { eventually, scratchDirectory } from '../sandbox/scratch.js'
import { pages, root } from './pages.js'
import { lessonsOf, type Lesson } from './tutorial.js'

const page = pages.find(({ path }) => path === 'docs/getting-started.md') ?? { path: '', text: '' }
const lessons = lessonsOf(page)
let sandbox: ChildProcess | undefined
afterAll(async () => {
  if (sandbox === undefined) return
  sandbox.kill('SIGTERM')
  await once(sandbox, 'close')
})

/** A machine of a reader: `deliver` in PATH, a git identity, nothing else of this one. */
class Reader {
  private constructor(readonly home: string) {}

  static async create(): Promise<Reader> {
    const home = await scratchDirectory()
    for (const directory of ['bin', 'tmp']) mkdirSync(join(home, directory))
    const program = join(home, 'bin', 'deliver')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${root}/bin/deliver.js' "$@"\n`)
    chmodSync(program, 0o755)
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = reader\n\temail = reader@localhost\n')
    writeFileSync(join(home, 'where'), home)
    return new Reader(home)
  }

  /** Types a block into the one terminal: it remembers the directory. */
  async types({ at, text, code }: Lesson): Promise<string> {
    const script = `cd "$(cat ~/where)"; trap 'pwd >~/where' EXIT\n${text}`
    const ended = await command('bash', ['-ec', script], { env: this.#env, timeout: 240_000 })
    expect(ended.code, `${at}:\n${text}\n${ended.stdout}${ended.stderr}`).toBe(code)
    return ended.stdout
  }

  /** The second terminal. */
  async startsSandbox({ text }: Lesson): Promise<ChildProcess> {
    const cwd = readFileSync(join(this.home, 'where'), 'utf8').trim()
    const child = spawn('bash', ['-c', `exec ${text}`], { cwd, env: this.#env, stdio: 'ignore' })
    await eventually('there is a config', () => existsSync(join(cwd, 'deliver.config.ts')))
    return child
  }

  /** In the page's directory. */
  has(file: string): boolean {
    return existsSync(join(this.home, 'hello', file))
  }

  get #env(): NodeJS.ProcessEnv {
    const PATH = `${join(this.home, 'bin')}:${process.env['PATH'] ?? ''}`
    // Nobody waits for a health deadline of a minute in a test; the page keeps the default.
    return {
      PATH,
      HOME: this.home,
      TMPDIR: join(this.home, 'tmp'),
      CI: 'true',
      LANG: 'C.UTF-8',
      DELIVER_HEALTH_DEADLINE: '10s',
      DELIVER_HEALTH_MIN_UPTIME: '1s',
      DELIVER_HEALTH_INTERVAL: '250ms',
    }
  }
}

describe('docs/getting-started.md', { timeout: 300_000 }, () => {
  test('every command does what the page says, on hosts of the sandbox', async () => {
    const reader = await Reader.create()
    const [install, app, hosts, ...rest] = lessons
    if (app === undefined || hosts === undefined) throw new Error('the page has no commands')
    expect(install?.text).toBe('npm install --global deliver-cli\n')
    await reader.types(app)
    sandbox = await reader.startsSandbox(hosts)
    const said = new Map<string, string>()
    for (const lesson of rest) said.set(lesson.text, await reader.types(lesson))
    const after = (part: string) => [...said].find(([text]) => text.includes(part))?.[1] ?? ''
    expect(after('deliver check')).toContain('all is well')
    expect(after('deliver status')).toMatch(/web2 +v1 +healthy/)
    expect(after('--tag v2')).toContain('v2 runs on 2 hosts')
    expect(after('--tag v3')).toMatch(/web1 +rolled-back +v2/)
    expect(after('--tag v3')).toContain('GREETING is not set')
    expect(reader.has('v3.html')).toBe(true)
    expect(after('deliver history')).toMatch(/rollback/)
    expect(after('deliver deploy v2')).toContain('v2 runs on 2 hosts')
    expect(lessons.filter(({ code }) => code !== 0).length).toBe(1)
  })
})
