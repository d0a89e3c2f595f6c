import { cQuote } from '../adapters/c-quote.js'
import type { Identified } from './identify.js'
import { builder } from './provenance.js'
import { modeOf } from './tree-id.js'

export interface CommitPlan {
  /** Undefined: the commit has no history. */
  readonly parent: string | undefined
  /** Seconds since 1970. */
  readonly time: number
  readonly message: string
  /** The app's directory in the repository. */
  readonly subdirectory: string
  /** Replaced as a whole by the entries. */
  readonly deps: readonly string[]
  readonly entries: readonly Identified[]
  /** Deps paths whose trees the clone has, whole, by their ids. Entries below them don't count. */
  readonly known: ReadonlyMap<string, string>
}

/** The input of `git fast-import` for the commit. Its blobs are named by their ids. */
export async function* commitStream(ref: string, plan: CommitPlan): AsyncGenerator<Buffer> {
  const identity = `${builder.name} <${builder.email}> ${plan.time} +0000`
  const head = [`feature done`, `commit ${ref}`, `author ${identity}`, `committer ${identity}`]
  yield Buffer.from(`${head.join('\n')}\n`)
  yield* data(Buffer.from(plan.message))
  if (plan.parent !== undefined) yield Buffer.from(`from ${plan.parent}\n`)
  const inRepository = (path: Buffer): Buffer => {
    return plan.subdirectory === '' ? path : Buffer.concat([Buffer.from(`${plan.subdirectory}/`), path])
  }
  for (const dep of plan.deps) {
    const path = Buffer.from(dep)
    const known = plan.known.get(dep)
    yield Buffer.concat([Buffer.from('D '), cQuote(inRepository(path)), newline])
    if (known !== undefined) yield modify('040000', known, inRepository(path))
  }
  const known = [...plan.known.keys()].map((path) => Buffer.from(`${path}/`))
  for (const entry of plan.entries) {
    if (known.some((path) => entry.path.subarray(0, path.length).equals(path))) continue
    yield modify(modeOf(entry), entry.id, inRepository(entry.path))
  }
  yield Buffer.from('done\n')
}

function modify(mode: string, id: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`M ${mode} ${id} `), cQuote(path), newline])
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
