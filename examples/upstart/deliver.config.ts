import { defineConfig } from 'deliver-cli'

/** An app under upstart, on hosts that are as old as that. api.conf goes to /etc/init/api.conf. */
export default defineConfig({
  app: 'api',
  // Such hosts have no zstd.
  archive: { format: 'tar.gz' },
  store: { directory: '/mnt/builds' },
  fleet: { hosts: ['web1.example.com', 'web2.example.com'] },
  ssh: { user: 'deploy' },
  target: { path: '/srv/api', shared: ['log'] },
  service: { upstart: 'api', log: '/var/log/upstart/api.log' },
  health: { http: 'http://localhost:3000/health' },
})
