// npm run pictures: docs/pictures/live.svg and report.png, from one real deploy to hosts of the sandbox that fails on one of them. Needs
// script(1), for a terminal of its own, and chromium. Run after a change of what people see, and look at the result.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import xterm from '@xterm/headless'
import { startSandbox } from '../dist/sandbox/sandbox.js'
import { screenSvg } from './screen-svg.js'

const program = fileURLToPath(new URL('../bin/deliver.js', import.meta.url))
const pictures = fileURLToPath(new URL('../docs/pictures', import.meta.url))
const size = { cols: 104, rows: 22 }

const app = (release, broken) => `const { createServer } = require('node:http')
const bad = ${JSON.stringify(broken)}.includes(process.env.HOST_NAME)
const server = createServer((request, response) => {
  response.writeHead(bad ? 500 : 200).end('${release}')
})
server.listen(process.env.PORT)
console.log('${release} listens')
if (bad) console.error('Error: connect ECONNREFUSED 10.0.4.17:5432')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
`

const scratch = mkdtempSync(join(tmpdir(), 'deliver-pictures-'))
const sandbox = await startSandbox({ directory: join(scratch, 'hosts'), hosts: 6, appPort: 3000 })
try {
  const checkout = join(scratch, 'api')
  mkdirSync(checkout)
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: checkout })
  writeFileSync(join(checkout, 'package.json'), '{ "name": "api", "private": true, "version": "1.3.0" }\n')
  writeFileSync(join(checkout, 'deliver.config.json'), JSON.stringify(config()))
  release(checkout, 'v1.2.0', [])
  await ship(checkout, 'v1.2.0', [])
  release(checkout, 'v1.3.0', ['web4'])
  const report = join(scratch, 'report.html')
  mkdirSync(pictures, { recursive: true })
  writeFileSync(join(pictures, 'live.svg'), await ship(checkout, 'v1.3.0', ['--report', report]))
  shoot(report, join(pictures, 'report.png'))
} finally {
  await sandbox.stop()
  rmSync(scratch, { recursive: true, force: true })
}

function config() {
  const { health, ...rest } = sandbox.config
  const patience = { ...health, interval: '500ms', minUptime: '4s', deadline: '8s' }
  return {
    app: 'api',
    build: { setup: 'true' },
    store: { directory: join(scratch, 'store') },
    ...rest,
    health: patience,
    rollout: { batch: '1,2' },
  }
}

function release(cwd, name, broken) {
  writeFileSync(join(cwd, 'server.js'), app(name, broken))
  const identity = ['-c', 'user.name=dev', '-c', 'user.email=dev@localhost', '-c', 'commit.gpgsign=false']
  execFileSync('git', ['add', '-A'], { cwd })
  execFileSync('git', [...identity, 'commit', '-qm', `Release ${name}`], { cwd })
}

/** Ships on a terminal, and gives the frame that shows most. */
async function ship(cwd, tag, more) {
  const words = [process.execPath, program, 'ship', '--tag', tag, ...more]
    .map((word) => `'${word}'`)
    .join(' ')
  const { PATH, HOME } = process.env
  const child = spawn(
    'script',
    ['-qec', `stty cols ${size.cols} rows ${size.rows}; exec ${words}`, '/dev/null'],
    {
      cwd,
      env: {
        PATH,
        HOME,
        TERM: 'xterm-256color',
        LANG: 'C.UTF-8',
        JOB_NAME: 'api',
        BUILD_TAG: 'jenkins-api-42',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const terminal = new xterm.Terminal({ ...size, allowProposedApi: true, convertEol: true, scrollback: 500 })
  let best = { score: -1, svg: '' }
  for await (const chunk of child.stdout) {
    await new Promise((resolve) => terminal.write(chunk, resolve))
    const score = scoreOf(terminal)
    if (score > best.score) best = { score, svg: screenSvg(terminal, size) }
  }
  if (child.exitCode === null) await once(child, 'close')
  console.log(`${tag}: exit code ${child.exitCode}`)
  return best.svg
}

/** Frames with many states, and with a failure, say most. */
function scoreOf(terminal) {
  const { active } = terminal.buffer
  const text = Array.from(
    { length: size.rows },
    (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '',
  ).join('\n')
  if (!text.includes('→')) return -1
  const has = (state) => new RegExp(`\\bweb\\d +${state}\\b`).test(text)
  const bad = ['failed', 'rolling back', 'rolled back'].filter(has).length
  return 3 * bad + ['done', 'settling', 'staged', 'skipped'].filter(has).length
}

function shoot(page, png) {
  const chromium = [
    '--headless',
    '--no-sandbox',
    '--disable-quic',
    '--disable-background-networking',
    '--hide-scrollbars',
  ]
  execFileSync(
    'chromium',
    [...chromium, '--window-size=1120,1290', `--screenshot=${png}`, `file://${page}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
}
