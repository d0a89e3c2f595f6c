import { cQuote } from '../adapters/c-quote.js'
import type { Dependency } from './dependencies.js'
import { readEach } from './read-exactly.js'
import { builder } from './provenance.js'

export interface CommitPlan {
  readonly parent: string
  /** Seconds since 1970. */
  readonly time: number
  readonly message: string
  /** The app's directory on this machine, and in the repository. */
  readonly root: string
  readonly subdirectory: string
  /** Replaced as a whole by the entries. */
  readonly deps: readonly string[]
  readonly entries: readonly Dependency[]
}

/** The input of `git fast-import` for the commit, with the contents read as it is consumed. */
export async function* commitStream(ref: string, plan: CommitPlan): AsyncGenerator<Buffer> {
  const identity = `${builder.name} <${builder.email}> ${plan.time} +0000`
  const head = [`feature done`, `commit ${ref}`, `author ${identity}`, `committer ${identity}`]
  yield Buffer.from(`${head.join('\n')}\n`)
  yield* data(Buffer.from(plan.message))
  yield Buffer.from(`from ${plan.parent}\n`)
  const inRepository = (path: Buffer): Buffer => {
    return plan.subdirectory === '' ? path : Buffer.concat([Buffer.from(`${plan.subdirectory}/`), path])
  }
  for (const path of plan.deps) {
    yield Buffer.concat([Buffer.from('D '), cQuote(inRepository(Buffer.from(path))), newline])
  }
  for (const entry of plan.entries) {
    if (entry.type !== 'link') continue
    yield* [modify('120000', inRepository(entry.path)), ...data(entry.target)]
  }
  const files = plan.entries.filter((entry) => entry.type === 'file')
  for await (const { file, content } of readEach(plan.root, files)) {
    yield modify(file.executable ? '100755' : '100644', inRepository(file.path))
    yield Buffer.from(`data ${file.size}\n`)
    yield* content
    yield newline
  }
  yield Buffer.from('done\n')
}

function modify(mode: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`M ${mode} inline `), cQuote(path), newline])
}

function* data(content: Buffer): Generator<Buffer> {
  yield Buffer.concat([Buffer.from(`data ${content.length}\n`), content, newline])
}

const newline = Buffer.from('\n')

/** Joins small chunks, for each one that is written costs a system call. */
export async function* inBlocks(source: AsyncIterable<Buffer>, size = 256 * 1024): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let length = 0
  for await (const chunk of source) {
    waiting.push(chunk)
    length += chunk.length
    if (length < size) continue
    yield Buffer.concat(waiting)
    waiting = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(waiting)
}
