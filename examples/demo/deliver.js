import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/deliver.js', import.meta.url))

/** The environment of the demo's own deliver: what a CI job or a shell says about other deploys has no part in it. */
function environment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name !== 'TAG' && !/^DELIVER_/.test(name)),
  )
}

/** Runs the real binary, shows what it prints, and resolves to its exit code and standard output. */
export async function deliver(args, { cwd, signal }) {
  console.log(`\n$ deliver ${args.join(' ')}`)
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  let stdout = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`
    console.log(`  ${line}`)
  })
  createInterface({ input: child.stderr }).on('line', (line) => console.log(`  ${line}`))
  const [code, killedBy] = await once(child, 'close')
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  return { code: code ?? killedBy, stdout }
}
