import { run } from './command.js'

/** `git push` and `git reset --hard` in the directory that runs, all hosts at once: no release, nothing atomic, nothing verified. */
export const gitInPlace = {
  name: 'git',
  label: 'git push + reset --hard',
  port: 3003,
  version: async () => (await run('git', ['--version'])).trim(),
  async prepare({ fleet, repository, commits }) {
    const there = '/srv/api/git/current'
    const env = { ...process.env, GIT_SSH_COMMAND: ['ssh', ...fleet.sshOptions].join(' ') }
    const init = `mkdir -p ${there}; git init -q -b none ${there}`
    return {
      reset: () => fleet.everywhere((host) => fleet.on(host, init)),
      deploy: (release) =>
        fleet.everywhere(async (host) => {
          const to = `ssh://deploy@${host.address}${there}`
          await run('git', ['push', '-q', '-f', to, `${commits[release]}:refs/heads/deploy`], {
            cwd: repository,
            env,
          })
          await fleet.on(host, `cd ${there} && git reset -q --hard deploy && sudo systemctl restart api-git`)
        }),
      beforehand: async () => {},
      forget: () => {},
      close: async () => {},
    }
  },
}
