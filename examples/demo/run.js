/* global AbortController */
// npm run demo: the sample app, three hosts on this machine, traffic all the time, and four deploys by the real binary.
// Exits 1, saying what, if anything is not as it should be.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSandbox } from '../../dist/sandbox/sandbox.js'
import { createRepository } from './app-repository.js'
import { startBalancer } from './balancer.js'
import { deliver } from './deliver.js'
import { startTraffic } from './traffic.js'

const started = Date.now()
const problems = []
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => interrupted.abort(new Error(`stopped by ${name}`)))
}

function expect(what, holds, but = '') {
  console.log(`  ${holds ? 'ok  ' : 'FAIL'}  ${what}${holds || but === '' ? '' : `, but ${but}`}`)
  if (!holds) problems.push(but === '' ? what : `${what}, but ${but}`)
}

function act(title) {
  interrupted.signal.throwIfAborted()
  if (problems.length > 0) throw new Error('the acts that follow build on this one')
  console.log(`\n== ${title}`)
}

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'deliver-demo-')))
const closing = [() => rmSync(directory, { recursive: true, force: true })]
try {
  await play()
} catch (error) {
  problems.push(error.message)
} finally {
  for (const close of closing.reverse()) await close()
}

console.log(
  `\n${problems.length === 0 ? 'All as it should be' : 'NOT as it should be'}, after ${seconds()} s.`,
)
for (const problem of problems) console.error(`- ${problem}`)
process.exitCode = interrupted.signal.aborted ? 130 : problems.length === 0 ? 0 : 1

async function play() {
  act('A fleet of three hosts on this machine, a repository with the sample app, a load balancer in front')
  const sandbox = await startSandbox({ directory: join(directory, 'hosts'), hosts: 3, appPort: 3000 })
  closing.push(() => sandbox.stop())
  const balancer = await startBalancer(sandbox.hosts)
  closing.push(() => balancer.close())
  const repository = createRepository(join(directory, 'hello'))
  repository.write('.npmrc', 'prefer-offline=true\n') // three installs of the same packages
  repository.write('deliver.demo.ts', demoConfig(sandbox.config, join(directory, 'store')))
  for (const host of sandbox.hosts)
    console.log(`  ${host.name}  ssh 127.0.0.1:${host.sshPort}  app 127.0.0.1:${host.appPort}`)
  console.log(`  balancer ${balancer.url}`)

  const run = (...args) =>
    deliver(['-c', 'deliver.demo.ts', '--plain', ...args], {
      cwd: repository.directory,
      signal: interrupted.signal,
    })
  const release = (name, subject) => {
    repository.write('VERSION', `${name}\n`)
    repository.commit(subject)
  }

  act('1. The first release goes to all hosts')
  release('hello-1', 'Say hello')
  expectCode(await run('ship', '--tag', 'hello-1', '--yes'), 0)
  await expectFleet(sandbox, 'hello-1')
  await expectStatus(run, sandbox, 'hello-1')

  act('2. The second one, host by host, while clients keep asking')
  release('hello-2', 'Say hello again')
  await underTraffic(balancer, ['hello-1', 'hello-2'], async () => {
    expectCode(await run('ship', '--tag', 'hello-2', '--yes'), 0)
  })
  await expectFleet(sandbox, 'hello-2')
  await expectStatus(run, sandbox, 'hello-2')

  act('3. The third one crashes at start: it goes back by itself')
  const server = repository.read('server.js')
  repository.write('server.js', `${server}\nthrow new Error('GREETING is not set')\n`)
  release('hello-3', 'Say something else')
  await underTraffic(balancer, ['hello-2'], async () => {
    expectCode(await run('ship', '--tag', 'hello-3', '--yes'), 5)
  })
  await expectFleet(sandbox, 'hello-2')
  await expectStatus(run, sandbox, 'hello-2')

  act('4. Back to the first one, by hand')
  await underTraffic(balancer, ['hello-2', 'hello-1'], async () => {
    expectCode(await run('rollback', '--yes'), 0)
  })
  await expectFleet(sandbox, 'hello-1')
  await expectStatus(run, sandbox, 'hello-1')
}

/** The app's own config, but for this fleet; probes come faster, and for a shorter time, than one would want in production. */
function demoConfig(config, store) {
  const health = { ...config.health, interval: '250ms', minUptime: '1s', deadline: '10s' }
  const own = { store: { directory: store }, ...config, health }
  return `import { defineConfig } from 'deliver-cli'
import hello from './deliver.config.ts'

export default defineConfig({ ...hello, ...${JSON.stringify(own, undefined, 2)} })
`
}

function expectCode({ code }, wanted) {
  expect(`exit code ${wanted}`, code === wanted, `it was ${code}`)
}

/** Asks each host itself, past the balancer. */
async function expectFleet(sandbox, wanted) {
  const running = await Promise.all(
    sandbox.hosts.map(async ({ name, appPort }) => {
      const answer = await fetch(`http://127.0.0.1:${appPort}/health`).then(
        (r) => r.json(),
        () => ({ release: 'nothing' }),
      )
      return `${name} runs ${answer.release}`
    }),
  )
  const holds = running.every((line) => line.endsWith(` ${wanted}`))
  expect(`every host runs ${wanted}`, holds, running.join(', '))
}

async function expectStatus(run, sandbox, wanted) {
  const { code, stdout } = await run('status')
  const wrong = sandbox.hosts.filter(({ name }) => {
    const row = stdout.split('\n').find((line) => line.includes(name)) ?? ''
    return !row.split(/\s+/).includes(wanted)
  })
  expect(
    `deliver status shows ${wanted} on every host`,
    code === 0 && wrong.length === 0,
    `exit code ${code}, wrong: ${wrong.map(({ name }) => name).join(', ')}`,
  )
}

/** Clients ask from before to after; not one request may fail, and exactly these releases may answer. */
async function underTraffic(balancer, releases, during) {
  const traffic = startTraffic(balancer.url)
  let seen
  try {
    await sleep(300)
    await during()
    await sleep(300)
  } finally {
    seen = await traffic.stop()
  }
  const answers = [...seen.releases].map(([release, count]) => `${release} ${count}`).join(', ')
  console.log(`  ${seen.requests} requests, ${seen.failures.length} failed; answered by ${answers}`)
  expect('no request failed', seen.failures.length === 0, seen.failures.slice(0, 5).join('; '))
  const exactly = releases.length === seen.releases.size && releases.every((name) => seen.releases.has(name))
  expect(`answers came from ${releases.join(' and ')}`, exactly, answers)
}

function seconds() {
  return ((Date.now() - started) / 1000).toFixed(1)
}
