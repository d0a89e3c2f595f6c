import { transportContract } from '../../contract/transport.js'
import { hostOf, Place } from './place.js'

for (const client of ['ssh2', 'openssh'] as const) {
  transportContract(`${client}, against OpenSSH,`, async () => {
    const place = await Place.make()
    const server = await place.server(11)
    await place.trust(server)
    return {
      transport: place.transport({ client }),
      host: hostOf(server),
      cut: () => server.signalSessions('SIGKILL'),
      stop: () => place.remove(),
    }
  })
}
