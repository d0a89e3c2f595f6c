import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Reporter } from './events.js'
import { RunModel } from './model/run-model.js'
import { cleanText } from './sanitise.js'

export interface ReportFile {
  readonly path: string
  readonly render: (model: RunModel) => string
}

export interface FilesOptions {
  readonly files: readonly ReportFile[]
  readonly redact: (text: string) => string
  readonly now: () => number
  /** Told of a file that could not be written: that is no reason to call a deploy failed. */
  readonly warn: (text: string) => void
}

/** Writes files about the whole run once its result is known, or when the process is about to end without one. */
export function filesReporter({ files, redact, now, warn }: FilesOptions): Reporter {
  const model = new RunModel(now(), cleanText(redact))

  function write(): void {
    for (const { path, render } of files)
      try {
        replaceFile(path, render(model))
      } catch (error) {
        warn(`${path} was not written: ${error instanceof Error ? error.message : String(error)}`)
      }
  }

  return {
    event(event) {
      model.take(event, now())
      if (event.type === 'result') write()
    },
    abandon(code) {
      if (model.result !== undefined) return
      model.take({ type: 'result', ok: false, code, text: 'stopped at once, with work under way' }, now())
      write()
    },
    close: () => Promise.resolve(),
  }
}

/** Readers see the old file or all of the new one. */
function replaceFile(path: string, text: string): void {
  const scratch = join(dirname(path), `.${basename(path)}.${process.pid}`)
  mkdirSync(dirname(path), { recursive: true })
  try {
    writeFileSync(scratch, text)
    renameSync(scratch, path)
  } catch (error) {
    rmSync(scratch, { force: true })
    throw error
  }
}
