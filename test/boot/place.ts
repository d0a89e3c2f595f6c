/** A server that boots, on this machine: the printed program under one shell, and a store behind HTTP that fails as told. */
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe } from 'vitest'
import { bootProgram, type BootScript } from '../../src/boot/script.js'
import { bootSettings } from '../../src/boot/settings.js'
import type { Config, TargetConfig } from '../../src/config/types.js'
import type { ReleaseRecord } from '../../src/release/release.js'
import { agentProgram } from '../../src/remote/agent-program.js'
import { ensureBootFiles } from '../../src/store/boot-files.js'
import { movePointer, readPointer } from '../../src/store/pointer.js'
import { configWith, publish } from '../execute/world.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { pathOf, shells, type Shell } from '../remote/agent/host.js'

/** What becomes of a request; undefined: it is answered. `body` is what the store has, undefined where it has nothing. */
export type Fault = (key: string, body: Buffer | undefined, answer: ServerResponse) => true | undefined

export interface Ran {
  readonly code: number | null
  readonly output: string
}

interface Pointing {
  readonly tree?: Readonly<Record<string, string>>
  readonly config?: Config
  readonly sign?: (statement: string) => Promise<string>
}

export class BootPlace {
  readonly store = createMemoryStore()
  readonly directory = mkdtempSync(join(tmpdir(), 'deliver-boots-'))
  /** target.path */
  readonly root = join(this.directory, 'srv', 'my app')
  readonly asked: string[] = []
  /** The signatures of the requests that had one. */
  readonly signed: string[] = []
  fault: Fault | undefined
  #server: Server | undefined
  readonly #records = new Map<string, ReleaseRecord>()
  #generation: number | undefined
  #fence = 10

  constructor(readonly shell: Shell) {}

  at(...parts: readonly string[]): string {
    return join(this.root, ...parts)
  }

  get current(): string | undefined {
    try {
      return readlinkSync(this.at('current')).replace('releases/', '')
    } catch {
      return undefined
    }
  }

  get releases(): readonly string[] {
    return existsSync(this.at('releases')) ? readdirSync(this.at('releases')).sort() : []
  }

  /** What the restart command started last. */
  get runs(): string | undefined {
    const file = this.at('shared/running')
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }

  target(shared: readonly string[]): TargetConfig {
    const { target } = configWith()
    if (target === undefined) throw new Error('no target')
    return { ...target, path: this.root, keep: 3, shared }
  }

  config(change: Partial<Config> = {}): Config {
    return configWith({
      target: this.target(['log/']),
      service: {
        manager: {
          kind: 'command',
          restart: 'test ! -f broken && printf %s "$DELIVER_RELEASE" >"$DELIVER_PATH/shared/running"',
        },
        timeout: 10_000,
      },
      health: {
        check: { kind: 'command', command: 'test ! -f sick' },
        successes: 1,
        minUptime: 0,
        interval: 1_000,
        timeout: 5_000,
        deadline: 1_000,
      },
      ...change,
    })
  }

  /** Publishes a release and points to it. */
  async point(release: string, { tree = {}, config = this.config(), sign }: Pointing = {}): Promise<void> {
    const record = this.#records.get(release) ?? (await publish(this.store, release, tree))
    this.#records.set(release, record)
    if (config.target === undefined) throw new Error('no target')
    const moved = await movePointer({
      store: this.store,
      clock: { now: () => 0 },
      environment: config.environment,
      record,
      expected: this.#generation,
      movedBy: 'test',
      sign,
      boot: {
        fence: (this.#fence += 1),
        files: await ensureBootFiles(this.store, record, agentProgram()),
        settings: bootSettings(config, config.target),
      },
    })
    this.#generation = moved.pointer.generation
  }

  async pointer() {
    const found = await readPointer(this.store, 'api', 'production')
    if (found === undefined) throw new Error('no pointer')
    return found
  }

  async #serve(): Promise<string> {
    const server = (this.#server ??= createServer((request, answer) => {
      const key = (request.url ?? '/').slice(1).replace(/\?.*/, '')
      this.asked.push(key)
      const { authorization } = request.headers
      if (authorization !== undefined) this.signed.push(authorization)
      void this.#body(key).then((body) => {
        if (this.fault?.(key, body, answer) === true) return
        answer.statusCode = body === undefined ? 404 : 200
        answer.end(body)
      })
    }))
    if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
  }

  async #body(key: string): Promise<Buffer | undefined> {
    if ((await this.store.size(key).catch(() => undefined)) === undefined) {
      const document = await this.store.readDocument(key)
      return document === undefined ? undefined : Buffer.from(document.text)
    }
    const chunks: Buffer[] = []
    for await (const chunk of (await this.store.read(key)) as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async script(change: Partial<BootScript> = {}): Promise<BootScript> {
    return {
      app: 'api',
      environment: 'production',
      path: this.root,
      user: userInfo().username,
      source: { kind: 'url', base: await this.#serve() },
      pointerKey: 'api/production/current.json',
      retryFor: 0,
      ...change,
    }
  }

  /** Runs the program to its end. */
  async run(
    command: string,
    {
      script,
      env = {},
      programs,
    }: {
      script?: Partial<BootScript>
      env?: Readonly<Record<string, string>>
      /** A directory of programs that come before the system's. */
      programs?: string
    } = {},
  ): Promise<Ran> {
    const file = join(this.directory, 'deliver-agent')
    writeFileSync(file, bootProgram(await this.script(script)), { mode: 0o700 })
    return this.sh([file, command], env, programs)
  }

  sh(args: readonly string[], env: Readonly<Record<string, string>> = {}, programs?: string): Promise<Ran> {
    const bin = join(this.directory, 'bin')
    const path = existsSync(bin) ? this.#path : (this.#path = pathOf(this.shell, bin))
    return new Promise((resolve, reject) => {
      const child = spawn(join(bin, 'sh'), [...args], {
        cwd: this.directory,
        env: {
          PATH: programs === undefined ? path : `${programs}:${path}`,
          AWS_EC2_METADATA_DISABLED: 'true',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, output }))
    })
  }
  #path = ''

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise<void>((resolve) =>
      this.#server === undefined ? resolve() : this.#server.close(() => resolve()),
    )
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Runs the tests once for each shell; one that isn't installed shows as skipped. */
export function onEachShell(define: (make: () => BootPlace) => void): void {
  onShells(
    shells.map(({ shell }) => shell),
    define,
  )
}

export function onShells(wanted: readonly Shell[], define: (make: () => BootPlace) => void): void {
  for (const { shell, installed } of shells.filter((each) => wanted.includes(each.shell))) {
    describe.skipIf(!installed)(`under ${shell}`, () => {
      const places: BootPlace[] = []
      afterEach(async () => {
        for (const place of places.splice(0)) await place.close()
      })
      define(() => {
        const place = new BootPlace(shell)
        places.push(place)
        return place
      })
    })
  }
}
