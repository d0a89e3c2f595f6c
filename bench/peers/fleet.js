import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { run } from './command.js'

const rig = createJiti(import.meta.url)
const part = (name) => rig.import(`../../test/integration/rig/${name}.ts`)

export const cacheDirectory = async () => (await part('cache')).cacheDirectory()

/** A unit for each peer, on a port of its own, that the deploying user may restart. */
const unit = (peer) => `[Service]
User=deploy
WorkingDirectory=/srv/api/${peer.name}/current
Environment=PORT=${peer.port}
ExecStart=/usr/bin/node server.js
[Install]
WantedBy=multi-user.target
`

/**
 * Boots systemd hosts that have rsync and git and a service for each peer. `bytes()` is what each host's network interface has
 * received and sent, whoever it was: the peers differ in what they tell of themselves.
 */
export async function startFleet(count, peers) {
  const { startHosts } = await part('systemd-hosts')
  const tools = await installedTools()
  const { hosts, identityFile, knownHostsFile, stop } = await startHosts(count)
  try {
    await Promise.all(hosts.map((host) => prepare(host, tools, peers)))
  } catch (error) {
    await stop()
    throw error
  }
  const ssh = [
    '-i',
    identityFile,
    '-o',
    `UserKnownHostsFile=${knownHostsFile}`,
    '-o',
    'IdentitiesOnly=yes',
    '-F',
    'none',
  ]
  const [, , subnet] = hosts[0].address.split('.')
  const counters = (host) => `/sys/class/net/vb-dlv${subnet}-${host.address.split('.')[3]}/statistics`
  return {
    hosts,
    identityFile,
    knownHostsFile,
    gateway: `10.77.${subnet}.1`,
    sshOptions: ssh,
    on: (host, line) => run('ssh', [...ssh, `deploy@${host.address}`, line]),
    /**
     * Out of the way, and removed with the hosts. ext4 passes over inodes that were freed within the last minutes, one by one: whoever made
     * 24 000 files after somebody had removed as many would be charged seconds for it.
     */
    putAway: (host, path) =>
      run('ssh', [
        ...ssh,
        `deploy@${host.address}`,
        `mkdir -p /srv/api/old && { [ ! -e ${path} ] || mv ${path} $(mktemp -d /srv/api/old/XXXXXX); }`,
      ]),
    everywhere: (work) => Promise.all(hosts.map((host, index) => work(host, index))),
    async bytes() {
      const each = hosts.map(async (host) => {
        const [received, sent] = await Promise.all(
          ['tx_bytes', 'rx_bytes'].map((name) => readFile(join(counters(host), name), 'utf8')),
        )
        return Number(received) + Number(sent)
      })
      return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0) / hosts.length
    },
    stop,
  }
}

async function prepare(host, tools, peers) {
  await run('cp', ['-a', '--', ...tools, host.path('/')])
  for (const peer of peers)
    await writeFile(host.path(`/etc/systemd/system/api-${peer.name}.service`), unit(peer))
  const lines = peers.map(
    ({ name }) => `deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart api-${name}\n`,
  )
  await appendFile(host.path('/etc/sudoers.d/deploy'), lines.join(''))
  const { code, stderr } = await host.sshAsRoot(
    'systemctl daemon-reload && git config --system safe.directory "*"',
  )
  if (code !== 0) throw new Error(stderr)
}

/** What rsync and git add to the base image of the hosts: directories to copy over theirs. */
async function installedTools() {
  const { baseImage } = await part('cache')
  const image = await baseImage()
  const target = `${image}-bench-tools`
  if (!existsSync(target)) {
    const making = await mkdtemp(`${target}.`)
    const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(making, name))
    for (const each of [upper, work, root]) await mkdir(each)
    await run('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${image},upperdir=${upper},workdir=${work}`,
      root,
    ])
    try {
      await cp('/etc/resolv.conf', join(root, 'etc/resolv.conf'))
      const install =
        'apt-get update && apt-get install -y --no-install-recommends rsync git && apt-get clean && rm -rf /var/lib/apt/lists/*'
      await run('chroot', [root, 'sh', '-c', install], {
        env: { PATH: process.env.PATH, DEBIAN_FRONTEND: 'noninteractive' },
      })
    } finally {
      await run('umount', [root])
    }
    await run('mv', [upper, target])
    await rm(making, { recursive: true })
  }
  return ['usr', 'etc'].map((name) => join(target, name)).filter((path) => existsSync(path))
}
