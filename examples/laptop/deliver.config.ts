import { defineConfig } from 'deliver-cli'

/** People deploy from their own machines: keys from the agent, the store where all can reach it, and a question first. */
export default defineConfig({
  app: 'api',
  // Shared by all who deploy: it has the lock, the history, and the releases to go back to.
  store: { s3: { bucket: 'example-builds', prefix: 'apps', region: 'eu-west-1', profile: 'work' }, keep: 20 },
  fleet: { hosts: ['web1', 'web2'] }, // aliases of ~/.ssh/config, with its User, HostName and ProxyJump
  target: { path: '/srv/api' },
  service: { systemd: 'api' },
  health: { http: 'http://localhost:3000/health' },
  rollout: { confirm: 'always' },
})
