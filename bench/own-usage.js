// Preloaded into the process that is measured: tells what it took itself, without its children, on file descriptor 3 when
// it ends: peak memory in bytes and CPU seconds, as JSON.
import { readFileSync, writeSync } from 'node:fs'

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(3, JSON.stringify({ peak: peak() * 1024, cpu: (user + system) / 1e6 }))
})

/** In KiB. On Linux maxRSS of a process also counts its parent from before exec; the high-water mark of its own memory doesn't. */
function peak() {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    return process.resourceUsage().maxRSS
  }
}
