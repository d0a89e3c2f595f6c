import type { LineRedactor } from '../adapters/line-splitter.js'
import { howItEnded, runShell } from '../adapters/shell.js'
import type { Channel } from './channels.js'
import { noticeVariables, variablesOf } from './notice.js'

export interface NotifyCommand {
  readonly run: string
  readonly directory: string
  /** Deliver's own, which it inherits. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the config adds. */
  readonly own: Readonly<Record<string, string>>
  readonly timeout: number
  readonly redactor: LineRedactor
}

/** A command that is told by variables, and by JSON on its input. What it prints is shown only when it fails. */
export function command({ run, directory, env, own, timeout, redactor }: NotifyCommand): Channel {
  return {
    async send(notice, signal) {
      const unset = Object.fromEntries(noticeVariables.map((name) => [name, undefined]))
      let last = ''
      const end = await runShell({
        command: run,
        cwd: directory,
        env: { ...env, ...unset, ...own, ...variablesOf(notice) },
        input: `${JSON.stringify(notice)}\n`,
        signal,
        timeout,
        redactor,
        onLine: (_, line) => {
          if (line.trim() !== '') last = line
        },
      })
      if (end.kind === 'exit' && end.code === 0) return
      throw new Error(`${howItEnded(end, timeout)}${last === '' ? '' : `: ${last.slice(0, 200)}`}`)
    },
  }
}
