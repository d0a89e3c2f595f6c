import { encodePax } from './pax.js'
import { padding, withChecksum } from './tar-subtree.js'

const blockSize = 512

/** A block without a checksum yet, of nobody in particular. A name that is too long is cut: a pax record before it has it whole. */
export function headerBlock(type: string, name: Buffer, size: number): Buffer {
  const block = Buffer.alloc(blockSize)
  name.copy(block, 0, 0, 100)
  block.write('0000644\0', 100, 'latin1')
  block.write('0000000\0', 108, 'latin1')
  block.write('0000000\0', 116, 'latin1')
  block.write(`${octal(size)}\0`, 124, 'latin1')
  block.write('00000000000\0', 136, 'latin1')
  block.write(type, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  return block
}

/** A header with the pax records that it needs before it. */
export function withRecords(block: Buffer, records: ReadonlyMap<string, Buffer>): Buffer[] {
  if (records.size === 0) return [block]
  const content = encodePax(records)
  const lead = withChecksum(headerBlock('x', Buffer.from('pax_header'), content.length))
  return [lead, content, padding(content.length), block]
}

/** As `git archive` writes it. `time`: seconds since 1970. */
export function directoryMember(path: Buffer, time: number): Buffer {
  const name = Buffer.concat([path, Buffer.from('/')])
  const block = headerBlock('5', name, 0)
  block.write('0000755\0', 100, 'latin1')
  block.write(`${octal(time)}\0`, 136, 'latin1')
  for (const at of [265, 297]) block.write('root', at, 'latin1')
  withChecksum(block)
  return Buffer.concat(withRecords(block, name.length > 100 ? new Map([['path', name]]) : new Map()))
}

function octal(number: number): string {
  return number.toString(8).padStart(11, '0')
}
