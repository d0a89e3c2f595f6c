import { readFileSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Load, Machine, Reading } from '../ports.js'

/** Ms between two looks: shorter than most that hosts do, longer than a burst of handshakes. */
const interval = 250
/** Threads that Node gives to compression and files; its event loop is one more, but waits while they are what limits. */
const threads = 4

/** The load of this process on this machine. */
export function createMachineLoad(): Load {
  const machine = thisCapacity()
  return {
    machine,
    watch(look) {
      let loop = performance.eventLoopUtilization()
      let cpu = process.cpuUsage()
      let at = performance.now()
      const timer = setInterval(() => {
        const [loopNow, cpuNow, now] = [
          performance.eventLoopUtilization(),
          process.cpuUsage(),
          performance.now(),
        ]
        const computed = (cpuNow.user - cpu.user + cpuNow.system - cpu.system) / 1000
        const ofThreads = computed / (Math.max(1, now - at) * Math.min(machine.cores, threads))
        const ofLoop = performance.eventLoopUtilization(loopNow, loop).utilization
        ;[loop, cpu, at] = [loopNow, cpuNow, now]
        look({ busy: Math.min(1, Math.max(ofLoop, ofThreads)), ...memory() })
      }, interval)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}

function memory(): Pick<Reading, 'used' | 'free'> {
  const used = process.memoryUsage.rss()
  // Elsewhere what the system could take back from its caches is not counted as free, and there seems to be never any.
  return process.platform === 'linux' ? { used, free: freemem() } : { used }
}

function thisCapacity(): Machine {
  // 0, or more than there is: no limit.
  const constrained = process.constrainedMemory()
  const openFiles = openFileLimit()
  return {
    cores: availableParallelism(),
    memory: constrained > 0 ? Math.min(totalmem(), constrained) : totalmem(),
    ...(openFiles === undefined ? {} : { openFiles }),
  }
}

/** The soft limit, which Node has raised as far as it may. Linux only. */
function openFileLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files +(\d+) /m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
