// side-by-side.js SCRIPT...: runs scripts of package.json at the same time, and shows what each wrote once it has ended. They use one
// core each. Exit code 1 when one failed.
import { spawn } from 'node:child_process'

function run(script) {
  const started = Date.now()
  const child = spawn('npm', ['run', '--silent', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  const written = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => written.push(chunk))
  return new Promise((resolve) => {
    const end = (code) => {
      const took = `${((Date.now() - started) / 1000).toFixed(1)} s`
      console.log(`${script}: ${code === 0 ? 'ok' : `failed (${code})`}, ${took}`)
      process.stdout.write(Buffer.concat(written))
      resolve(code)
    }
    child.on('error', (error) => end(error.message))
    child.on('close', (code, signal) => end(code ?? signal))
  })
}

const codes = await Promise.all(process.argv.slice(2).map(run))
if (codes.some((code) => code !== 0)) process.exitCode = 1
