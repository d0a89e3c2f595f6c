import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'

/** Runs a program to its end; anything but exit code 0 is an error that shows what it said. Resolves to its stdout. */
export async function run(file, args, { cwd, env = process.env, input } = {}) {
  const child = spawn(file, args, { cwd, env, stdio: [input ?? 'ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  if (code !== 0)
    throw new Error(
      `${file} ${args.join(' ')} ended with ${code ?? signal}:\n${stdout.slice(-3000)}${stderr.slice(-3000)}`,
    )
  return stdout
}
