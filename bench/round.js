import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSandbox } from '../dist/sandbox/sandbox.js'
import { createApp } from './app.js'
import { deliver } from './deliver.js'

/**
 * One app, one store and one fleet, all new, and every step once. Calls `measured(step, { seconds, cpu, peak, work })` after each;
 * `work` is how often the step handles the whole release: once, once for each host, or not at all.
 */
export async function runRound(root, options, measured) {
  mkdirSync(root, { recursive: true })
  const app = createApp(join(root, 'app'), options)
  const store = join(root, 'store')
  const sandbox = await startSandbox({ directory: join(root, 'hosts'), hosts: options.hosts, appPort: 3000 })
  const time = async (step, work, ...args) => {
    const result = await deliver(['--plain', ...args], { cwd: app.directory, profile: options.profile })
    measured(step, { ...result, work })
  }
  try {
    app.writeConfig(configFor(sandbox.config, store, options))
    if (options.setup !== undefined) await time('setup', 1, 'setup')
    await time('commit-deps', 1, 'commit-deps', '--tag', 'bench-1')
    await time('commit-deps again', 1, 'commit-deps', '--tag', 'bench-1')
    await time('archive', 1, 'archive', '--tag', 'bench-1')
    await time('archive again', 1, 'archive', '--tag', 'bench-1')
    await time('publish', 1, 'publish', '--tag', 'bench-1')
    await time('publish again', 1, 'publish', '--tag', 'bench-1')
    await time('deploy', options.hosts, 'deploy', 'bench-1', '--yes')
    await time('deploy again', 0, 'deploy', 'bench-1', '--yes')
    app.change()
    await time('commit-deps, 1 % new', 1, 'commit-deps', '--tag', 'bench-2')
    await time('archive, 1 % new', 1, 'archive', '--tag', 'bench-2')
    await time('publish, 1 % new', 1, 'publish', '--tag', 'bench-2')
    await time('deploy, 1 % new', options.hosts, 'deploy', 'bench-2', '--yes')
    await time('rollback', 0, 'rollback', '--yes')
    await time('status', 0, 'status')
    for (let run = 0; run < 10; run++) await time('--help', 0, '--help')
    return readRecord(store)
  } finally {
    await sandbox.stop()
  }
}

/** A service and a health check that cost nothing, so that what deliver itself takes shows. */
function configFor(sandbox, store, { setup, format }) {
  return {
    ...sandbox,
    app: 'bench',
    build: { deps: ['node_modules'], ...(setup === undefined ? {} : { setup }) },
    archive: { format },
    store: { directory: store },
    service: { restart: 'true' },
    health: { command: 'true', successes: 1, minUptime: '0s', interval: '100ms' },
  }
}

function readRecord(store) {
  return JSON.parse(readFileSync(join(store, 'bench/releases/bench-1/release.json'), 'utf8'))
}
