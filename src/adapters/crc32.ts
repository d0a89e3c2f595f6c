import * as zlib from 'node:zlib'

/** The CRC-32 of some bytes after others. zlib tells it from Node 20.15 on. */
export const crc32: (bytes: Buffer, before: number) => number =
  typeof Reflect.get(zlib, 'crc32') === 'function' ? (bytes, before) => zlib.crc32(bytes, before) : byTable

const table = Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function byTable(bytes: Buffer, before: number): number {
  let crc = ~before
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
  return ~crc >>> 0
}
