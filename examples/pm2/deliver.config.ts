import { defineConfig } from 'deliver-cli'

/** An app under pm2 of the deploy user: restarts need no root. `pm2 startup` makes it outlive a reboot. */
export default defineConfig({
  app: 'api',
  store: { directory: '/mnt/builds' },
  fleet: { hosts: ['web1.example.com', 'web2.example.com'] },
  ssh: { user: 'deploy' },
  target: { path: '/srv/api', shared: ['log'] },
  // Started from the file the first time, reloaded then.
  service: { pm2: { name: 'api', start: 'ecosystem.config.cjs' } },
  health: { http: 'http://localhost:3000/health' },
})
