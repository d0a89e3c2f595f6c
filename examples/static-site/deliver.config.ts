import { defineConfig } from 'deliver-cli'

/**
 * A site that is generated. Either served from an S3 bucket (build.sh and go-live.sh), or by nginx on hosts
 * (`deliver -e hosts ship`, root /srv/site/current/dist): nothing has to be restarted for that.
 */
export default defineConfig({
  app: 'site',
  build: { setup: 'npm run build', deps: ['dist'] },
  archive: { format: 'tar.gz' }, // go-live.sh unpacks it with tar alone
  store: { s3: { bucket: 'example-builds', prefix: 'apps', region: 'eu-west-1' }, keep: 20 },
  environments: {
    hosts: {
      fleet: { hosts: ['static1.example.com', 'static2.example.com'] },
      ssh: { user: 'deploy' },
      target: { path: '/srv/site' },
      health: { http: { url: 'http://localhost/', contains: '</html>' }, minUptime: '1s' },
    },
  },
})
