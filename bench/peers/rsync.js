import { run } from './command.js'

/** `rsync -a --link-dest` to each host at once, and a link that is renamed over `current`. */
export const rsync = {
  name: 'rsync',
  label: 'rsync --link-dest',
  port: 3001,
  version: async () => (await run('rsync', ['--version'])).split('\n')[0],
  async prepare({ fleet, work }) {
    const base = '/srv/api/rsync'
    let previous
    return {
      reset: () => fleet.everywhere((host) => fleet.on(host, `mkdir -p ${base}/releases`)),
      async deploy(release) {
        const link =
          previous === undefined || previous === release ? [] : [`--link-dest=${base}/releases/${previous}`]
        await fleet.everywhere(async (host) => {
          const to = `deploy@${host.address}:${base}/releases/${release}/`
          const shell = ['ssh', ...fleet.sshOptions].join(' ')
          await run('rsync', ['-a', '--delete', ...link, '-e', shell, `${work[release]}/`, to])
          const next = `ln -sfn releases/${release} ${base}/next && mv -T ${base}/next ${base}/current`
          await fleet.on(host, `${next} && sudo systemctl restart api-rsync`)
        })
        previous = release
      },
      beforehand: async () => {},
      forget: () => (previous = undefined),
      close: async () => {},
    }
  },
}
