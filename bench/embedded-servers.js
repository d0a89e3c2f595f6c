// Forked by many-hosts.js: SSH servers in one process, on 127.0.1.1 and on. They count what they are sent, and
// know `sleep SECONDS`.
import { once } from 'node:events'
import ssh2 from 'ssh2'
import { generateKeyPair } from '../dist/sandbox/keys.js'

const [count] = process.argv.slice(2).map(Number)
const pair = generateKeyPair('bench')
let port = 0
const addresses = []
for (let at = 0; at < count; at++) {
  const address = `127.0.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`
  const server = new ssh2.Server({ hostKeys: [pair.privateKey] }, serve)
  server.listen(port, address)
  await once(server, 'listening')
  port = server.address().port
  addresses.push(address)
}
process.send({ addresses, port, hostKey: pair.publicKey.split(' ').slice(0, 2).join(' ') })
process.on('disconnect', () => process.exit())

function serve(client) {
  client.on('error', () => {})
  client.on('authentication', (context) =>
    context.method === 'publickey' ? context.accept() : context.reject(['publickey']),
  )
  client.on('session', (accept) => {
    accept().on('exec', (acceptExec, _, { command }) => {
      const stream = acceptExec()
      const [, sleep] = /^sleep ([\d.]+)$/.exec(command) ?? []
      if (sleep !== undefined) {
        setTimeout(
          () => {
            stream.exit(0)
            stream.end()
          },
          Number(sleep) * 1000,
        )
        return
      }
      let bytes = 0
      stream.on('data', (chunk) => (bytes += chunk.length))
      stream.on('end', () => {
        stream.write(String(bytes))
        stream.exit(0)
        stream.end()
      })
    })
  })
}
