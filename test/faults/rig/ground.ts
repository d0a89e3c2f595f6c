import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { Place } from '../../e2e/place.js'
import { inspectWorld, type Expectation, type World } from '../../integration/inspect.js'
import { startDeliver, type Finished, type Running } from '../../integration/rig/deliver.js'
import { localShell } from '../../integration/rig/tree.js'
import { scratchDirectory } from '../../sandbox/scratch.js'
import { CuttingProxy } from './cutting-proxy.js'

export const keep = 2

/** A team's checkout, store and sandbox hosts, with a network between them that can be cut. */
export class Ground {
  private constructor(
    readonly place: Place,
    readonly world: World,
    readonly proxies: readonly CuttingProxy[],
    /** Where the program puts its temporary files: what is left there was forgotten. */
    readonly temporary: string,
  ) {}

  static async create(hosts: number, config: Readonly<Record<string, unknown>> = {}): Promise<Ground> {
    const scratch = await scratchDirectory()
    const temporary = join(scratch, 'tmp')
    mkdirSync(temporary)
    const place = await Place.create(hosts, '', { TMPDIR: temporary })
    const { sandbox } = place
    const proxies = await Promise.all(sandbox.hosts.map(({ sshPort }) => CuttingProxy.before(sshPort)))
    afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())))
    const knownHosts = join(scratch, 'known_hosts')
    const known = readFileSync(sandbox.knownHostsFile, 'utf8')
    writeFileSync(
      knownHosts,
      proxies.reduce((text, { port, target }) => text.replace(`]:${target} `, `]:${port} `), known),
    )
    place.configure({
      fleet: {
        hosts: sandbox.hosts.map(({ name }, index) => ({
          name,
          host: '127.0.0.1',
          port: proxies[index]?.port,
        })),
      },
      ssh: { ...sandbox.config.ssh, knownHosts, keepalive: '2s', connectTimeout: '5s', retries: 1 },
      target: { ...sandbox.config.target, keep },
      ...config,
    })
    const world: World = {
      hosts: sandbox.hosts.map(({ name, directory }) => ({
        name,
        targetPath: `${directory}/app`,
        shell: localShell,
        own: ['log'],
      })),
      store: { directory: place.store, app: 'hello', environment: 'production' },
    }
    return new Ground(place, world, proxies, temporary)
  }

  /** Publishes releases whose content has nothing in common, so that each must be sent as a whole. */
  async publish(...releases: readonly string[]): Promise<void> {
    for (const release of releases) {
      // Noise of a fixed size that depends on the name alone.
      writeFileSync(join(this.place.directory, 'noise'), noise(release, 200_000))
      await this.place.publish(release)
    }
  }

  /** The real program under another one, e.g. a tracer. */
  under(tracer: readonly string[], ...args: readonly string[]): Running {
    return startDeliver(['--plain', ...args], {
      cwd: this.place.directory,
      env: this.place.env,
      under: tracer,
    })
  }

  run(...args: readonly string[]): Promise<Finished> {
    return this.place.run(...args)
  }

  /** Whatever happened: releases are whole, and so is the store. */
  async expectWhole(changed: readonly string[] = []): Promise<void> {
    const wrong = await this.#inspect({ lockMayBeHeld: true, unfinished: true }, changed)
    expect(wrong.join('\n')).toBe('')
  }

  /** As an undisturbed run would have left it: everywhere this release, and nothing else. */
  async expectSettled(release: string, most = keep, changed: readonly string[] = []): Promise<void> {
    const wrong = await this.#inspect({ current: release, pointer: release, keep: most }, changed)
    expect(wrong.join('\n')).toBe('')
    expect(await this.place.running()).toEqual(this.world.hosts.map(({ name }) => `${name} ${release}`))
    // What a killed run left goes with the next one that needs a directory of its own.
    expect(this.temporaries().length).toBeLessThan(2)
  }

  temporaries(): readonly string[] {
    return readdirSync(this.temporary)
  }

  /** The release that `current` of a host names. */
  current(host: string): string {
    return readlinkSync(join(this.place.hostDirectory(host), 'app/current')).replace('releases/', '')
  }

  currents(): readonly string[] {
    return this.world.hosts.map(({ name }) => this.current(name))
  }

  /** `changed`: releases that somebody changed on a host, and that needn't be their archive any more. */
  async #inspect(expected: Expectation, changed: readonly string[] = []): Promise<readonly string[]> {
    const wrong = await inspectWorld(this.world, expected)
    return wrong.filter(
      (each) => !changed.some((release) => each.includes(`release ${release} is not its archive`)),
    )
  }
}

function noise(seed: string, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = [...seed].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}
