// npm run audit: what the registry knows of vulnerabilities in the packages that are installed with deliver. Exit code 0: none;
// 1: some; 75: it gave no answer, so that nothing is known. Not every registry gives one.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const unanswered = 75
const ask = ['audit', '--omit=dev', '--json', '--fetch-retries=1', '--fetch-timeout=20000']
const { stdout, stderr, error } = spawnSync('npm', ask, {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  encoding: 'utf8',
  timeout: 50_000,
  maxBuffer: 2 ** 26,
  shell: process.platform === 'win32',
})
const report = parse(stdout)
if (report?.metadata?.vulnerabilities?.total === undefined || typeof report.vulnerabilities !== 'object')
  noAnswer()
else tell(report)

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function noAnswer() {
  const why = report?.message ?? report?.error?.summary ?? error?.message ?? stderr?.trim().split('\n')[0]
  console.error(`NOT AUDITED: the registry gave no answer (${why || 'and no reason'}).`)
  console.error('Nothing is known about vulnerabilities. Ask one that can tell: npm run audit --registry=URL')
  process.exitCode = unanswered
}

function tell({ metadata, vulnerabilities }) {
  for (const { name, severity, range, via } of Object.values(vulnerabilities)) {
    const reasons = via.map((each) => (typeof each === 'string' ? `by ${each}` : `${each.title} ${each.url}`))
    console.error(`${severity}: ${name} ${range}: ${reasons.join('; ')}`)
  }
  const { total } = metadata.vulnerabilities
  console.log(`${metadata.dependencies.prod} packages at run time, ${total} with known vulnerabilities`)
  process.exitCode = total === 0 ? 0 : 1
}
