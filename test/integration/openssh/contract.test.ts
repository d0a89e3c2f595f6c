import { transportContract } from '../../contract/transport.js'
import { hostOf, Place } from './place.js'

transportContract('ssh2, against OpenSSH,', async () => {
  const place = await Place.make()
  const server = await place.server(11)
  await place.trust(server)
  return {
    transport: place.transport(),
    host: hostOf(server),
    cut: () => server.signalSessions('SIGKILL'),
    stop: () => place.remove(),
  }
})
