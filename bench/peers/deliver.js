import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deliver as command } from '../deliver.js'

/** All hosts at once as the others do it; the health check, which they don't have, asks once. */
export const configFor = ({ fleet, store }) => ({
  app: 'bench',
  build: { deps: ['node_modules'] },
  store: { directory: store },
  fleet: { hosts: fleet.hosts.map(({ name, address }) => ({ name, host: address })) },
  ssh: {
    user: 'deploy',
    identityFile: fleet.identityFile,
    knownHosts: fleet.knownHostsFile,
    config: false,
    agent: false,
  },
  target: { path: '/srv/api/deliver' },
  service: { systemd: 'api-deliver' },
  rollout: { strategy: 'parallel' },
  health: { http: 'http://localhost:3000/', successes: 1, minUptime: '0s', interval: '100ms' },
})

export const deliver = {
  name: 'deliver',
  label: 'deliver',
  port: 3000,
  version: async () => 'this checkout',
  async prepare({ fleet, store, scratch, repository }) {
    const config = join(scratch, 'deliver.config.json')
    await writeFile(config, JSON.stringify(configFor({ fleet, store })))
    return {
      reset: () => fleet.everywhere((host) => fleet.on(host, 'mkdir /srv/api/deliver')),
      deploy: (release) => command(['--plain', '-c', config, 'deploy', release, '--yes'], { cwd: scratch }),
      // A release is published when the one before it runs: as in life, and publish makes use of it.
      beforehand: (release) => command(['--plain', 'publish', '--tag', release], { cwd: repository }),
      forget: () => {},
      close: async () => {},
    }
  },
}
