import { defineConfig } from 'deliver-cli'

/** A Node.js app under systemd on hosts that have names. host.sh makes a host ready, once. */
export default defineConfig({
  app: 'api',
  store: { directory: '/mnt/builds' },
  fleet: { hosts: ['web1.example.com', 'web2.example.com'] },
  ssh: { user: 'deploy' },
  target: { path: '/srv/api', shared: ['log'] },
  service: { systemd: 'api' },
  health: { http: 'http://localhost:3000/health' },
  rollout: { batch: 1 },
})
