import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import { deliver, startDeliver, type Finished, type Running } from '../integration/rig/deliver.js'
import { ask, startTraffic, type Answer, type Traffic } from '../integration/rig/traffic.js'
import { scratchDirectory, scratchSandbox } from '../sandbox/scratch.js'

const server = `const { createServer } = require('node:http')
const { existsSync, readFileSync } = require('node:fs')
const release = readFileSync('RELEASE', 'utf8').trim()
require('greet')
const answer = { release, host: process.env.HOST_NAME, pid: process.pid }
const server = createServer((request, response) => {
  response.statusCode = request.url === '/health' && existsSync('BROKEN') ? 500 : 200
  response.setHeader('connection', 'close')
  response.end(JSON.stringify(answer))
})
server.listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
`

/** A team's checkout, its store, and hosts of the sandbox, with the real program between them. */
export class Place {
  private constructor(
    /** Where the app and its config are. */
    readonly directory: string,
    readonly store: string,
    readonly sandbox: Sandbox,
    readonly config: Readonly<Record<string, unknown>>,
    readonly repository: string,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  /** `below`: the app's directory in its repository. `env`: variables for the program. */
  static async create(hosts: number, below = '', env: Readonly<Record<string, string>> = {}): Promise<Place> {
    const scratch = await scratchDirectory()
    const sandbox = await scratchSandbox({ hosts, directory: join(scratch, 'sandbox') })
    const repository = join(scratch, 'repository')
    const directory = join(repository, below)
    const store = join(scratch, 'store')
    for (const path of [join(directory, 'vendor', 'greet'), store]) mkdirSync(path, { recursive: true })
    writeFileSync(join(directory, 'server.js'), server)
    writeFileSync(join(directory, 'package.json'), '{"private":true,"dependencies":{"greet":"1"}}\n')
    writeFileSync(join(directory, '.gitignore'), 'node_modules/\n')
    writeFileSync(join(directory, 'vendor', 'greet', 'index.js'), 'module.exports = "hello"\n')
    const place = new Place(
      directory,
      store,
      sandbox,
      {
        app: 'hello',
        build: { setup: 'rm -rf node_modules && cp -R vendor node_modules' },
        archive: { format: 'tar.gz' },
        store: { directory: store },
        ...sandbox.config,
        rollout: { strategy: 'rolling', batch: 1 },
        health: {
          http: sandbox.config.health.http,
          successes: 2,
          minUptime: '0s',
          interval: '100ms',
          deadline: '8s',
        },
      },
      repository,
      env,
    )
    place.#git('init', '-q', '-b', 'main')
    place.configure({})
    return place
  }

  configure(change: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.directory, 'deliver.config.json'), JSON.stringify({ ...this.config, ...change }))
    this.#commit('Describe the deploy')
  }

  /** Commits a change that makes the app say it is `release`. */
  change(release: string, health: 'healthy' | 'broken' = 'healthy'): void {
    writeFileSync(join(this.directory, 'RELEASE'), `${release}\n`)
    if (health === 'broken') writeFileSync(join(this.directory, 'BROKEN'), '')
    else rmSync(join(this.directory, 'BROKEN'), { force: true })
    this.#commit(`Say ${release}`)
  }

  /** Takes back what was changed and not committed. */
  undo(): void {
    this.#git('checkout', '-q', '.')
  }

  run(...args: readonly string[]): Promise<Finished> {
    return deliver(['--plain', ...args], { cwd: this.directory, env: this.env })
  }

  start(...args: readonly string[]): Running {
    return startDeliver(['--json', ...args], { cwd: this.directory, env: this.env })
  }

  async ship(release: string, health: 'healthy' | 'broken' = 'healthy'): Promise<Finished> {
    this.change(release, health)
    return this.run('ship', '--tag', release)
  }

  async publish(release: string, health: 'healthy' | 'broken' = 'healthy'): Promise<void> {
    this.change(release, health)
    for (const args of [['setup'], ['commit-deps', '--tag', release], ['publish', '--tag', release]]) {
      const done = await this.run(...args)
      if (done.code !== 0) throw new Error(`${args.join(' ')} ended with ${done.code}:\n${done.output}`)
    }
  }

  /** `web1 v1`, as `current` and the app itself say it. */
  async running(): Promise<readonly string[]> {
    const answers = await this.answers()
    return this.sandbox.hosts.map(({ name, directory }, index) => {
      const answer = answers[index]
      const link = readlinkSync(join(directory, 'app', 'current')).replace(/^releases\//, '')
      const says = typeof answer === 'object' ? answer.release : `down: ${answer}`
      return says === link ? `${name} ${link}` : `${name} ${link}, but the process says ${says}`
    })
  }

  answers(): Promise<readonly (Answer | string)[]> {
    return Promise.all(this.#targets.map((target) => ask(target, '/')))
  }

  traffic(): Traffic {
    return startTraffic({ targets: this.#targets })
  }

  /** The release that a booting server would install. */
  pointer(environment = 'production'): unknown {
    const document: unknown = JSON.parse(this.inStore(`hello/${environment}/current.json`))
    return typeof document === 'object' && document !== null && 'release' in document
      ? document.release
      : undefined
  }

  inStore(key: string): string {
    return readFileSync(join(this.store, key), 'utf8')
  }

  hostDirectory(name: string): string {
    const host = this.sandbox.hosts.find((each) => each.name === name)
    if (host === undefined) throw new Error(`there is no host ${name}`)
    return host.directory
  }

  get #targets(): readonly string[] {
    return this.sandbox.hosts.map(({ appPort }) => `127.0.0.1:${appPort}`)
  }

  #commit(message: string): void {
    this.#git('add', '-A')
    this.#git('commit', '-q', '--allow-empty', '-m', message)
  }

  #git(...args: readonly string[]): void {
    const identity = [
      '-c',
      'user.name=fixture',
      '-c',
      'user.email=fixture@localhost',
      '-c',
      'commit.gpgsign=false',
    ]
    execFileSync('git', [...identity, ...args], { cwd: this.repository, stdio: 'pipe' })
  }
}
