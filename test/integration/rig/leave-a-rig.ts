// Boots a host, tells its bridge, and dies without a chance to clean up.
import { startHosts } from './systemd-hosts.js'

const rig = await startHosts(1)
const subnet = rig.hosts[0]?.address.split('.')[2] ?? ''
process.stdout.write(`dlv${subnet}\n`, () => process.kill(process.pid, 'SIGKILL'))
