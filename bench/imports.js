#!/usr/bin/env node
// What each command costs before it does anything: the seconds that its modules take to load in a process of its own, and how many there are.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

const { values } = parseArgs({
  options: { repeat: { type: 'string', default: '5' }, json: { type: 'string' } },
})
const root = fileURLToPath(new URL('..', import.meta.url))

/** Alone in a process: what another import has loaded before would count for nothing. */
const measure = `
const before = process.cpuUsage()
const started = performance.now()
for (const url of JSON.parse(process.argv[1])) await import(url)
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ ms: performance.now() - started, cpu: (user + system) / 1000 }))`

/** A hook of its own process: it would cost more than what it counts. */
const count = `
import { register } from 'node:module'
const hook = \`import { writeSync } from 'node:fs'
export async function load(url, context, next) { writeSync(1, url + '\\\\n'); return next(url, context) }\`
register('data:text/javascript,' + encodeURIComponent(hook))
for (const url of JSON.parse(process.argv[1])) await import(url)`

const own = Object.keys(
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).dependencies,
)
const cli = new URL('../dist/bundle/cli.js', import.meta.url).href
const rows = [
  { name: '(none)', urls: [] },
  { name: 'any command', urls: [cli] },
]
for (const name of commandNames()) {
  const command = new URL(`../dist/bundle/commands/${name}.js`, import.meta.url)
  if (existsSync(command)) rows.push({ name, urls: [cli, command.href] })
}
const table = rows.map(({ name, urls }) => {
  const runs = Array.from({ length: Number(values.repeat) }, () => JSON.parse(run(measure, urls)))
  const loaded = run(count, urls)
    .split('\n')
    .filter((url) => url.startsWith('file:'))
  const all = loaded.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  return {
    name,
    ms: median(runs.map(({ ms }) => ms)),
    cpu: median(runs.map(({ cpu }) => cpu)),
    modules: loaded.length - all.length,
    packages: own.filter((each) => all.includes(each)),
  }
})

console.log(`Loading of each command's modules, medians of ${values.repeat}; Node ${process.version}\n`)
console.log('| command | ms | CPU ms | own files | packages |')
console.log('| --- | ---: | ---: | ---: | --- |')
for (const { name, ms, cpu, modules, packages } of table)
  console.log(`| ${name} | ${ms.toFixed(0)} | ${cpu.toFixed(0)} | ${modules} | ${packages.join(', ')} |`)
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows: table }, undefined, 2)}\n`)

function run(script, urls) {
  const args = ['--input-type=module', '-e', script, JSON.stringify(urls)]
  return execFileSync(process.execPath, args, { cwd: root }).toString()
}

/** As `deliver --help` tells them. */
function commandNames() {
  const help = execFileSync(process.execPath, ['bin/deliver.js', '--help'], { cwd: root }).toString()
  return [...help.matchAll(/^ {2}([a-z][a-z-]+)(?: .*)?$/gm)].map(([, name]) => name)
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
