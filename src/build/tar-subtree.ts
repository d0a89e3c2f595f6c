import { DeliverError } from '../errors.js'
import { encodePax } from './pax.js'
import { type TarMember, TarReader } from './tar-reader.js'

/** The same tar with the names below a directory, as if it were the root. The directories above it are left out. */
export async function* tarSubtree(source: AsyncIterable<Buffer>, directory: string): AsyncGenerator<Buffer> {
  const out: Buffer[] = []
  const lead = Buffer.from(`${directory}/`)
  let size = 0
  const reader = new TarReader({
    global: (block, content) => out.push(block, content, padding(content.length)),
    member: (member) => {
      size = member.size
      const path = below(member.path, lead)
      if (path !== undefined) out.push(...encodeMember(member, path))
      else if (member.type !== 'directory') {
        throw new DeliverError(
          'failed',
          `the archive has ${member.path.toString()}, which is outside of ${directory}`,
        )
      }
    },
    content: (chunk) => out.push(Buffer.from(chunk)),
    memberEnd: () => out.push(padding(size)),
  })
  for await (const chunk of source) {
    reader.push(chunk)
    yield* out.splice(0)
  }
  reader.end()
  yield Buffer.alloc(2 * blockSize)
}

const blockSize = 512

function below(path: Buffer, lead: Buffer): Buffer | undefined {
  return path.length > lead.length && path.subarray(0, lead.length).equals(lead)
    ? path.subarray(lead.length)
    : undefined
}

/** The header of a member under this name, with what pax records it needs. */
export function encodeMember(member: TarMember, path: Buffer): Buffer[] {
  const name = member.type === 'directory' ? Buffer.concat([path, Buffer.from('/')]) : path
  const records = new Map(member.pax)
  records.delete('path')
  if (name.length > 100) records.set('path', name)
  const block = renamed(member.header, name)
  if (records.size === 0) return [block]
  const content = encodePax(records)
  return [paxBlock(member.header, content.length), content, padding(content.length), block]
}

/** The header with another name; one that is too long is cut, for the pax record before it counts. */
function renamed(header: Buffer, name: Buffer): Buffer {
  const block = Buffer.from(header)
  block.fill(0, 0, 100).fill(0, 345, 500)
  name.copy(block, 0, 0, 100)
  return withChecksum(block)
}

function paxBlock(header: Buffer, size: number): Buffer {
  const block = renamed(header, Buffer.from('pax_header'))
  block.fill(0, 157, 257)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  block.write('x', 156, 'latin1')
  return withChecksum(block)
}

/** The sum of all bytes, with the sum's own field taken as blanks. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** From the end of some content to the end of its block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize)
}
