/** Tar members that no honest tool writes. */

export interface Member {
  readonly name: string
  /** 0 file, 1 hard link, 2 symlink, 3 character device */
  readonly type: '0' | '1' | '2' | '3'
  readonly body: string
  readonly link?: string
}

/** Members, followed by another archive. */
export function tarOf(members: readonly Member[], then: Buffer): Buffer {
  return Buffer.concat([...members.map(encode), then])
}

function encode({ name, type, body, link = '' }: Member): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${Buffer.byteLength(body).toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write(type, 156)
  header.write(link, 157, 100)
  header.write('ustar\u000000', 257)
  header.write('0000001\0', 329)
  header.write('0000003\0', 337)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padded = Buffer.alloc(Math.ceil(Buffer.byteLength(body) / 512) * 512)
  padded.write(body)
  return Buffer.concat([header, padded])
}
