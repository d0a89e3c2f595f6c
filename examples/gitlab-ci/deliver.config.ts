import { defineConfig } from 'deliver-cli'

export default defineConfig({
  app: 'api',
  store: { s3: { bucket: 'example-builds', prefix: 'apps', region: 'eu-west-1' }, keep: 20 },
  ssh: { user: 'deploy' },
  target: { path: '/srv/api' },
  service: { systemd: 'api' },
  health: { http: 'http://localhost:3000/health' },
  rollout: { batch: '1,25%' },
  environments: {
    staging: { fleet: { hosts: ['stage1.example.com'] } },
    production: { fleet: { hosts: ['web1.example.com', 'web2.example.com', 'web3.example.com'] } },
  },
})
