import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.js'

/** Capistrano 3 with its git plugin: a mirror on each host, `git archive` of it into a release, a link. */
export const capistrano = {
  name: 'capistrano',
  label: 'Capistrano 3',
  port: 3002,
  version: async () => (await run('cap', ['--version'])).trim(),
  async prepare({ fleet, repository, commits, scratch }) {
    const directory = join(scratch, 'capistrano')
    await mkdir(join(directory, 'config', 'deploy'), { recursive: true })
    await writeFile(join(directory, 'Capfile'), capfile)
    await writeFile(join(directory, 'config', 'deploy.rb'), settings(fleet))
    await writeFile(join(directory, 'config', 'deploy', 'production.rb'), servers(fleet))
    // A repository that has only what was released by then, for hosts mirror all of it.
    const served = join(scratch, 'served')
    await run('git', ['clone', '-q', '--bare', repository, served])
    const tag = (...args) => run('git', ['-C', served, 'update-ref', ...args])
    const daemon = spawn(
      'git',
      ['daemon', '--reuseaddr', `--listen=${fleet.gateway}`, '--export-all', `--base-path=${served}`, served],
      { stdio: 'ignore', detached: true },
    )
    return {
      async reset() {
        for (const release of ['r1', 'r2']) await tag('-d', `refs/tags/${release}`)
      },
      async beforehand(release) {
        await tag(`refs/tags/${release}`, commits[release])
      },
      deploy: (release) =>
        run('cap', ['production', 'deploy'], { cwd: directory, env: { ...process.env, REVISION: release } }),
      forget: () => {},
      close: async () => void process.kill(-daemon.pid),
    }
  },
}

const capfile = `require 'capistrano/setup'
require 'capistrano/deploy'
require 'capistrano/scm/git'
install_plugin Capistrano::SCM::Git
`

const settings = ({ gateway, identityFile, knownHostsFile }) => `set :application, 'bench'
set :repo_url, 'git://${gateway}/'
set :branch, ENV['REVISION']
set :deploy_to, '/srv/api/capistrano'
set :keep_releases, 5
set :ssh_options, { keys: ['${identityFile}'], user_known_hosts_file: '${knownHostsFile}', auth_methods: ['publickey'], config: false }
after 'deploy:publishing', :restart do
  on roles(:app) do
    execute :sudo, 'systemctl', 'restart', 'api-capistrano'
  end
end
`

const servers = ({ hosts }) =>
  hosts.map(({ address }) => `server '${address}', user: 'deploy', roles: %w{app}\n`).join('')
