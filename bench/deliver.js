import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/deliver.js', import.meta.url))
const ownUsage = new URL('own-usage.js', import.meta.url).href

/** What a CI job or a shell says about other deploys has no part in it. */
function environment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name !== 'TAG' && !/^DELIVER_/.test(name)),
  )
}

/**
 * Runs the real binary; resolves to its wall-clock seconds, and to the CPU seconds and peak memory of the process
 * alone, without its children.
 * `profile`: a directory that gets a CPU profile of it.
 */
export async function deliver(args, { cwd, profile }) {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const started = performance.now()
  const child = spawn(process.execPath, [...profiling, '--import', ownUsage, bin, ...args], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [output, errors, usage, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    text(child.stdio[3]),
    once(child, 'close'),
  ])
  if (code !== 0)
    throw new Error(`deliver ${args.join(' ')} ended with ${code ?? signal}:\n${output}${errors}`)
  return { seconds: (performance.now() - started) / 1000, ...JSON.parse(usage) }
}
