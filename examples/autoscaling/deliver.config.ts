import { defineConfig } from 'deliver-cli'

/** Instances of an Auto Scaling group behind a load balancer: each batch goes to standby, so that it gets no requests. */
export default defineConfig({
  app: 'api',
  store: { s3: { bucket: 'example-builds', prefix: 'apps', region: 'eu-west-1' }, keep: 20 },
  ssh: { user: 'deploy', hostKeys: 'accept-new' },
  target: { path: '/srv/api', shared: ['log'] },
  service: { systemd: 'api' },
  health: { http: 'http://localhost:3000/health' },
  rollout: { batch: '1,25%', drain: 'standby', canary: { hosts: 1, bake: '2m' } },
  environments: {
    production: {
      fleet: { autoscaling: { groups: 'api-prod', region: 'eu-west-1' } },
      // A server that boots installs what the pointer names, and only then is put into service.
      boot: { lifecycleHook: 'boot' },
    },
  },
})
