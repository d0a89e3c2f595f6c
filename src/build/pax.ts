import { broken } from './tar-error.js'

/** The records of a pax header, `LENGTH NAME=VALUE\n` each, with values as bytes. Counted, never searched: a value may hold anything. */
export function parsePax(content: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let offset = 0; offset < content.length;) {
    const space = content.indexOf(0x20, offset)
    const digits = content.subarray(offset, space).toString('latin1')
    const length = space === -1 || !/^[1-9]\d{0,7}$/.test(digits) ? 0 : Number(digits)
    const end = offset + length
    const equals = content.indexOf(0x3d, space)
    const whole =
      length > 0 && end <= content.length && content[end - 1] === 0x0a && equals !== -1 && equals < end
    if (!whole) throw broken('a pax header is damaged')
    const value = content.subarray(equals + 1, end - 1)
    if (value.includes(0)) throw broken('a pax header has a NUL in it')
    records.set(content.subarray(space + 1, equals).toString('latin1'), Buffer.from(value))
    offset = end
  }
  return records
}

export function encodePax(records: ReadonlyMap<string, Buffer>): Buffer {
  return Buffer.concat([...records].map(([name, value]) => encodeRecord(name, value)))
}

/** The length counts its own digits. */
function encodeRecord(name: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${name}=`), value, Buffer.from('\n')])
  let length = body.length
  while (String(length).length + body.length !== length) length = String(length).length + body.length
  return Buffer.concat([Buffer.from(String(length)), body])
}
