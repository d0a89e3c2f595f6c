import { writeFile } from 'node:fs/promises'
import { createSsh2Transport } from '../../../src/adapters/ssh/transport.js'
import { transportContract } from '../../contract/transport.js'
import { hostOf, lineFor, makePlace } from './place.js'
import { startServer } from './server.js'

transportContract('ssh2, against a server in this process,', async () => {
  const place = await makePlace()
  const server = await startServer({ clients: [place.keys] })
  await writeFile(place.knownHosts, lineFor(server))
  return {
    transport: createSsh2Transport({ ssh: place.ssh(), env: {}, home: place.home }),
    host: hostOf(server),
    cut: () => server.cut(),
    stop: async () => {
      await server.stop()
      await place.remove()
    },
  }
})
