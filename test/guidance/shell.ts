import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** A shell that believes that somebody sits at its terminal. */
export interface Person {
  /** Writes text, and presses TAB at its end; gives the line as the shell has it then. */
  completed(text: string): Promise<string>
  leave(): Promise<void>
}

export interface PersonOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** What is written first. */
  readonly start: readonly string[]
}

const [toStart, toEnd, enter] = ['\x01', '\x05', '\r']

/** `command` is run on a pseudo-terminal of its own; it must know Ctrl-A and Ctrl-E, as in Emacs. */
export async function personAt(command: string, { cwd, env, start }: PersonOptions): Promise<Person> {
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env, stdio: 'pipe' })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text))
  child.stderr.resume()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const put = (text: string): void => void child.stdin.write(text)

  async function until(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + 25_000
    for (;;) {
      const found = pattern.exec(seen)
      if (found !== null) return found
      if (Date.now() > deadline)
        throw new Error(`${command} never showed ${pattern}:\n${JSON.stringify(seen)}`)
      await sleep(20)
    }
  }

  let number = 0
  /** A line is done when what it says comes back; the echo of its keys has the sum in pieces. */
  async function done(line: string): Promise<void> {
    const mark = `${++number}`
    put(`${line}; echo done-$((${mark} + 1000))${enter}`)
    await until(new RegExp(`done-${1000 + number}\\b`))
  }

  for (const line of start) await done(line)
  return {
    async completed(text) {
      const before = seen.length
      put(`${text}\t`)
      // What is around the line is made by the shell, so that the echo of the keys isn't taken for it.
      put(`${toStart}printf '%s\\n' "$((40 + 2))<${toEnd}>"${enter}`)
      await until(/42<[^\r\n]*>/)
      const [, line = ''] = /42<([^\r\n]*)>/.exec(seen.slice(before)) ?? []
      seen = ''
      return line
    },
    async leave() {
      put(`exit${enter}`)
      child.stdin.end()
      await ended
    },
  }
}
