import { type TarMember, TarReader } from './tar-reader.js'
import { encodeMember, padding, withChecksum } from './tar-subtree.js'
import { headerBlock, withRecords } from './tar-header.js'

/** What to take from a tar: paths, one character per byte, and hard links to add. */
export interface Picks {
  readonly send: ReadonlySet<string>
  readonly links: readonly { readonly from: Buffer; readonly to: Buffer }[]
}

const blockSize = 512

/** A tar of some members of another, in its order, and hard links after them. The source is read as far as needed. */
export async function* tarPick(
  source: AsyncIterable<Buffer>,
  { send, links }: Picks,
): AsyncGenerator<Buffer> {
  const out: Buffer[] = []
  let left = send.size
  let taken: TarMember | undefined
  const reader = new TarReader({
    member: (member) => {
      taken = send.has(member.path.toString('latin1')) ? member : undefined
      if (taken === undefined) return
      left--
      out.push(...encodeMember({ ...member, pax: ownRecords(member) }, member.path))
    },
    content: (chunk) => {
      if (taken !== undefined) out.push(Buffer.from(chunk))
    },
    memberEnd: () => {
      if (taken !== undefined) out.push(padding(taken.size))
      taken = undefined
    },
  })
  if (left > 0)
    for await (const chunk of source) {
      reader.push(chunk)
      yield* out.splice(0)
      if (left === 0 && taken === undefined) break
    }
  for (const link of links) yield* hardLink(link)
  yield Buffer.alloc(2 * blockSize)
}

/** Without the records that are for all members, as the commit that git notes. */
function ownRecords({ pax, target }: TarMember): ReadonlyMap<string, Buffer> {
  const records = new Map([...pax].filter(([name]) => name === 'size'))
  if (target.length > 100) records.set('linkpath', target)
  return records
}

function hardLink({ from, to }: { readonly from: Buffer; readonly to: Buffer }): Buffer[] {
  const records = new Map<string, Buffer>()
  if (to.length > 100) records.set('path', to)
  if (from.length > 100) records.set('linkpath', from)
  const block = headerBlock('1', to, 0)
  from.copy(block, 157, 0, 100)
  withChecksum(block)
  return withRecords(block, records)
}
