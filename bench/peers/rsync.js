import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.js'

/** `rsync -a --link-dest` to each host at once, and a link that is renamed over `current`. */
const rsyncPeer = ({ name, label, port, treeOf }) => ({
  name,
  label,
  port,
  version: async () => (await run('rsync', ['--version'])).split('\n')[0],
  async prepare({ fleet, work, scratch }) {
    const base = `/srv/api/${name}`
    const trees = await treeOf(work, scratch)
    let previous
    return {
      reset: () => fleet.everywhere((host) => fleet.on(host, `mkdir -p ${base}/releases`)),
      async deploy(release) {
        const link =
          previous === undefined || previous === release ? [] : [`--link-dest=${base}/releases/${previous}`]
        await fleet.everywhere(async (host) => {
          const to = `deploy@${host.address}:${base}/releases/${release}/`
          const shell = ['ssh', ...fleet.sshOptions].join(' ')
          await run('rsync', ['-a', '--delete', ...link, '-e', shell, `${trees[release]}/`, to])
          const next = `ln -sfn releases/${release} ${base}/next && mv -T ${base}/next ${base}/current`
          await fleet.on(host, `${next} && sudo systemctl restart api-${name}`)
        })
        previous = release
      },
      beforehand: async () => {},
      forget: () => (previous = undefined),
      close: async () => {},
    }
  },
})

/** As most CI jobs have it: each build installs its dependencies anew, so that every file of them has the time of its build. */
export const rsync = rsyncPeer({
  name: 'rsync',
  label: 'rsync, built anew',
  port: 3001,
  async treeOf(work, scratch) {
    const anew = join(scratch, 'rsync-r2')
    await run('cp', ['-a', work.r2, anew])
    for (const entry of await readdir(anew))
      await run('find', [join(anew, entry), '-type', 'f', '-exec', 'touch', '{}', '+'])
    return { r1: work.r1, r2: anew }
  },
})

/** What suits rsync best: files that did not change keep their times. */
export const rsyncKept = rsyncPeer({
  name: 'rsync-kept',
  label: 'rsync, times kept',
  port: 3004,
  treeOf: async (work) => work,
})
