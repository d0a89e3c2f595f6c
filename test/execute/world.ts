import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll } from 'vitest'
import { ManifestBuilder } from '../../src/build/manifest-builder.js'
import { conductRollout, type Conducted } from '../../src/commands/rollout-command.js'
import type { RolloutOptions } from '../../src/commands/rollout-options.js'
import type { RolloutSession } from '../../src/commands/rollout-session.js'
import { turnsOf } from '../../src/commands/turns.js'
import type { Config, RolloutConfig } from '../../src/config/types.js'
import { HostLink } from '../../src/execute/link.js'
import type { Run, RunHost } from '../../src/execute/run.js'
import type { Drainage } from '../../src/execute/traffic.js'
import { noSteps, type Steps } from '../../src/execute/steps.js'
import type { Compatibility } from '../../src/plan/compatibility.js'
import { planDeploy } from '../../src/plan/deploy.js'
import type { Outcome } from '../../src/plan/outcome.js'
import { chooseRollback, planRollback } from '../../src/plan/rollback.js'
import type { Fleet, Host, Store } from '../../src/ports.js'
import { listingDigest } from '../../src/release/listing.js'
import { encodeManifest, manifestFile } from '../../src/release/manifest.js'
import type { Body, ReleaseRecord } from '../../src/release/release.js'
import { Vault } from '../../src/secrets/vault.js'
import type { DeliverEvent } from '../../src/report/events.js'
import { releaseKeys } from '../../src/store/layout.js'
import {
  createLocalHosts,
  healthCommand,
  localService,
  type LocalHost,
  type LocalHosts,
} from '../fakes/local-hosts.js'
import { createMemoryStore } from '../fakes/memory-store.js'
import { plant, type Tree } from '../remote/agent/release-on-disk.js'

const never = new AbortController().signal

const bodyOf = (bytes: Buffer): Body => ({
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** A published release: its archive, manifest and record in the store. */
export async function publish(store: Store, release: string, tree: Tree = {}): Promise<ReleaseRecord> {
  const directory = mkdtempSync(join(tmpdir(), 'deliver-release-'))
  plant(directory, { RELEASE: release, 'bin/app!': '#!/bin/sh\n', ...tree })
  const tar = execFileSync('tar', ['-cf', '-', '-C', directory, ...readdirSync(directory)], {
    maxBuffer: 2 ** 30,
  })
  rmSync(directory, { recursive: true })
  const builder = new ManifestBuilder([])
  builder.push(tar)
  const manifest = builder.finish()
  const archive = gzipSync(tar)
  const listed = await encodeManifest(manifest)
  const record: ReleaseRecord = {
    version: 1,
    app: 'api',
    release,
    commit: 'c'.repeat(40),
    source: { commit: 'd'.repeat(40), author: 'author', subject: 'subject', time: '2030-01-01T00:00:00Z' },
    archive: { ...bodyOf(archive), format: 'tar.gz' },
    tar: bodyOf(tar),
    manifest: {
      ...bodyOf(listed),
      file: manifestFile,
      entries: manifest.entries.length,
      bytes: 0,
      digest: listingDigest(manifest),
    },
  }
  const keys = releaseKeys('api', release, { format: 'tar.gz', manifestFile })
  await store.create(keys.archive, archive)
  await store.create(keys.manifest, listed)
  await store.create(keys.record, Buffer.from(JSON.stringify(record)))
  return record
}

export function configWith(change: Partial<Config> = {}, rollout: Partial<RolloutConfig> = {}): Config {
  return {
    app: 'api',
    environment: 'production',
    directory: '/nowhere',
    build: { env: {}, cache: { kind: 'auto' }, timeout: 1000, keep: 3 },
    archive: { format: 'tar.gz' },
    ssh: { config: false, agent: false, retries: 0, concurrency: 10 },
    target: { path: 'app', keep: 3, shared: [], verify: 'changed', prepare: true },
    service: localService,
    rollout: {
      strategy: 'rolling',
      batch: [{ count: 1 }],
      spread: 'zone',
      maxFailures: { count: 0 },
      allowUnreachable: 0,
      onFailure: 'rollback',
      pause: 0,
      guard: 0,
      drain: { kind: 'none' },
      drainTimeout: 600_000,
      ...rollout,
    },
    health: {
      check: { kind: 'command', command: healthCommand },
      successes: 2,
      minUptime: 0,
      interval: 500,
      timeout: 10_000,
      deadline: 1_500,
    },
    boot: { fetch: { kind: 'role' }, retryFor: 600_000 },
    ...change,
  }
}

export interface DeployOptions {
  readonly config?: Partial<Config>
  readonly rollout?: Partial<RolloutConfig>
  readonly stop?: AbortSignal
  readonly lost?: AbortSignal
  readonly fence?: number
  /** What the fleet says each time that it is asked; default: all hosts of the world. */
  readonly fleet?: () => readonly Host[] | Promise<readonly Host[]>
  readonly onEvent?: (event: DeliverEvent) => void
  readonly steps?: Steps
  /** What the fleet knows beside its hosts. */
  readonly around?: Partial<Fleet>
  /** As given on the command line. */
  readonly flags?: RolloutOptions
  /** Moves the pointer. */
  readonly finish?: () => Promise<void>
  readonly compatibility?: Compatibility
  readonly drainage?: Drainage
}

export interface Deployed extends Conducted {
  readonly events: readonly DeliverEvent[]
  /** `web1 done v1`, in order. */
  readonly ends: readonly string[]
  /** The reasons of the outcomes that have one. */
  readonly why: readonly string[]
  readonly warnings: readonly string[]
  readonly code: number
}

let template: Promise<string> | undefined

afterAll(async () => {
  if (template !== undefined) rmSync(await template, { recursive: true, force: true })
})

/** A host that runs v1, as a deploy left it; made once for all tests of a file. */
function hostOnV1(): Promise<string> {
  template ??= (async () => {
    const world = new World('web1')
    const { code, ends } = await world.deploy('v1', { fence: 1 })
    if (code !== 0) throw new Error(`no host on v1: ${ends.join()}`)
    world.restarts()
    const directory = mkdtempSync(join(tmpdir(), 'deliver-template-'))
    cpSync(world.hosts.host('web1').home, directory, { recursive: true, verbatimSymlinks: true })
    await world.close()
    return directory
  })()
  return template
}

/** Hosts, a store, and the executor between them. */
export class World {
  readonly hosts: LocalHosts
  readonly store = createMemoryStore()
  readonly records = new Map<string, ReleaseRecord>()
  #fence = 100

  constructor(...names: readonly string[]) {
    this.hosts = createLocalHosts(...names)
  }

  /** Hosts that run v1 already. */
  static async running(...names: readonly string[]): Promise<World> {
    const from = await hostOnV1()
    const world = new World(...names)
    await world.publish('v1')
    for (const { home } of world.hosts.all) cpSync(from, home, { recursive: true, verbatimSymlinks: true })
    return world
  }

  async publish(release: string, tree?: Tree): Promise<ReleaseRecord> {
    const record = await publish(this.store, release, tree)
    this.records.set(release, record)
    return record
  }

  run(options: DeployOptions = {}, events: DeliverEvent[] = []): Run {
    const config = configWith(options.config, options.rollout)
    if (config.target === undefined) throw new Error('no target')
    return {
      id: randomBytes(8).toString('hex'),
      fence: options.fence ?? ++this.#fence,
      config,
      target: config.target,
      clock: this.hosts.clock,
      reporter: {
        event(event) {
          events.push(event)
          options.onEvent?.(event)
        },
        close: () => Promise.resolve(),
      },
      stop: options.stop ?? never,
      lost: options.lost ?? never,
      steps: options.steps ?? noSteps,
      turns: turnsOf(config),
    }
  }

  link(host: Host): RunHost {
    return { name: host.name, link: new HostLink({ host, transport: this.hosts.transport, path: 'app' }) }
  }

  async deploy(release: string, options: DeployOptions = {}): Promise<Deployed> {
    const record = this.records.get(release) ?? (await this.publish(release))
    const { compatibility } = options
    const marks = compatibility === undefined ? {} : { compatibility }
    return this.#conduct(options, (session, stop) =>
      conductRollout(stop, session, options.flags ?? {}, {
        title: release,
        unfit: 'refuse',
        plan: async (views) =>
          planDeploy({ release, digest: record.manifest.digest, ...marks }, views, session.config.rollout),
        record: (name) => this.records.get(name),
        ...(options.finish === undefined ? {} : { finish: options.finish }),
      }),
    )
  }

  async rollback(named: string | undefined, options: DeployOptions = {}): Promise<Deployed> {
    const digests = new Map([...this.records].map(([name, record]) => [name, record.manifest.digest]))
    return this.#conduct(options, (session, context) =>
      conductRollout(
        context,
        session,
        {},
        {
          title: 'rollback',
          unfit: 'go-on',
          plan: async (views) =>
            planRollback(chooseRollback(views, named), views, digests, session.config.rollout),
          record: (name) => this.records.get(name),
        },
      ),
    )
  }

  async #conduct(
    options: DeployOptions,
    work: (session: RolloutSession, context: Parameters<typeof conductRollout>[0]) => Promise<Conducted>,
  ): Promise<Deployed> {
    const events: DeliverEvent[] = []
    const run = this.run(options, events)
    const links: HostLink[] = []
    const fleet = options.fleet ?? (() => this.hosts.all.map(({ host }) => host))
    const session: RolloutSession = {
      config: run.config,
      target: run.target,
      store: this.store,
      fleet: { name: 'test', hosts: async () => fleet(), ...options.around },
      lease: undefined,
      drainage: options.drainage,
      run,
      hosts: async () => fleet(),
      link: (host) => {
        const made = this.link(host)
        links.push(made.link)
        return made
      },
      close: () => Promise.resolve(),
    }
    const context = {
      cwd: '/',
      env: {},
      reporter: run.reporter,
      interrupt: {
        signal: run.stop,
        get reason() {
          return run.stop.aborted ? ('interrupted' as const) : undefined
        },
      },
      config: async () => run.config,
      print: () => undefined,
      secrets: new Vault(() => undefined),
    }
    try {
      const conducted = await work(session, context)
      return {
        ...conducted,
        events,
        code: conducted.result.code,
        ends: conducted.outcomes.map(inWords),
        why: conducted.outcomes.flatMap((each) => ('because' in each ? [each.because ?? ''] : [])),
        warnings: events.flatMap((event) => (event.type === 'warning' ? [event.text] : [])),
      }
    } finally {
      for (const link of links) await link.close()
      await this.hosts.quiet()
    }
  }

  host(name: string): LocalHost {
    return this.hosts.host(name)
  }

  /** What each host runs, by its link. */
  get runs(): readonly (string | undefined)[] {
    return this.hosts.all.map((host) => host.runs)
  }

  /** Restarts of each host since the last time. */
  restarts(): readonly (readonly string[])[] {
    return this.hosts.all.map((host) => host.restarts())
  }

  close(): Promise<void> {
    return this.hosts.close()
  }
}

function inWords(outcome: Outcome): string {
  const runs = 'runs' in outcome ? (outcome.runs ?? (outcome.runs === null ? 'nothing' : 'unknown')) : '-'
  return `${outcome.host} ${outcome.kind} ${runs}`
}
