import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import express from 'express'

const release = readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim()
const host = process.env.HOST_NAME ?? hostname()
const port = Number(process.env.PORT ?? 3000)
/** Milliseconds that requests get to finish when the service stops; the service manager's patience is longer. */
const grace = 4000

const app = express()
app.disable('x-powered-by')
app.get('/', (_request, response) => response.json({ hello: 'world', release, host }))
app.get('/health', (_request, response) => response.json({ release, pid: process.pid }))

const server = app.listen(port, (error) => {
  if (error) throw error
  console.log(`${release} listens on ${port}`)
})

/** No new connections; the requests that are being answered are answered. */
function shutDown() {
  console.log(`${release} stops`)
  server.close(() => process.exit(0))
  // A kept-alive connection is idle only once its request is answered.
  setInterval(() => server.closeIdleConnections(), 20)
  setTimeout(() => process.exit(1), grace)
}

process.once('SIGTERM', shutDown)
process.once('SIGINT', shutDown)
