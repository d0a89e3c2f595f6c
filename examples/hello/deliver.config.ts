import { defineConfig } from 'deliver-cli'

export default defineConfig({
  app: 'hello',
  store: { directory: '/mnt/releases' },
  fleet: { hosts: ['web1.example.com', 'web2.example.com', 'web3.example.com'] },
  ssh: { user: 'deploy' },
  target: { path: '/srv/hello', keep: 5 },
  service: { systemd: 'hello' },
  health: { http: 'http://localhost:3000/health' },
  rollout: { strategy: 'rolling', batch: 1 },
})
