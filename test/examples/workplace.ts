/** A checkout with the config of an example, on a machine that has `deliver` in the login profile's PATH, and hosts of the sandbox. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Place } from '../e2e/place.js'
import { command } from '../integration/rig/command.js'
import { root } from '../docs/pages.js'
import type { Step } from './ci-steps.js'
import { read } from './files.js'

export class Workplace {
  private constructor(
    readonly place: Place,
    readonly home: string,
  ) {}

  /** `more`: what the test needs that is not in the example, as text of the config. */
  static async create(example: string, more = ''): Promise<Workplace> {
    const place = await Place.create(2)
    const home = join(place.store, '..', 'home')
    mkdirSync(join(home, 'bin'), { recursive: true })
    const program = join(home, 'bin', 'deliver')
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${root}/bin/deliver.js' "$@"\n`)
    chmodSync(program, 0o755)
    writeFileSync(join(home, '.bash_profile'), 'PATH="$HOME/bin:$PATH"\n')
    writeFileSync(join(place.directory, 'example.ts'), read(`${example}/deliver.config.ts`))
    writeFileSync(join(place.directory, 'deliver.ci.ts'), configText(place, more))
    return new Workplace(place, home)
  }

  /** Runs a step as the CI system would, and expects it to succeed. */
  async run({ run, env }: Step, own: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await command('bash', ['-ec', run], {
      cwd: this.place.directory,
      env: this.environment({ ...env, ...own }),
      timeout: 120_000,
    })
    expect(code, `${run}\n${stdout}${stderr}`).toBe(0)
    return stdout
  }

  environment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const PATH = `${join(this.home, 'bin')}:${process.env['PATH'] ?? ''}`
    return { PATH, HOME: this.home, LANG: 'C.UTF-8', CI: 'true', DELIVER_CONFIG: 'deliver.ci.ts', ...own }
  }

  /** The release that the environment's pointer names. */
  pointer(environment: string): string {
    const [, release = 'none'] =
      /"release": ?"([^"]+)"/.exec(this.place.inStore(`api/${environment}/current.json`)) ?? []
    return release
  }
}

/** The example's own app and rollout; where everything is, is the sandbox's. Each environment has its host. */
function configText({ config, sandbox }: Place, more: string): string {
  const [staging, production] = sandbox.config.fleet.hosts
  const environments = {
    staging: { fleet: { hosts: [staging] } },
    production: { fleet: { hosts: [production] } },
  }
  return `import example from './example.ts'

const own = ${JSON.stringify({ ...config, app: undefined, rollout: undefined, environments })}
export default { ...example, ...own, ${more} }
`
}
