import { expect, it } from 'vitest'
import { byTable, crc32 } from '../../src/adapters/crc32.js'

it.each([['zlib or the table', crc32] as const, ['the table', byTable] as const])(
  'is the standard one, by %s',
  (_, crc) => {
    expect(crc(Buffer.from('123456789'), 0)).toBe(0xcbf43926)
    expect(crc(Buffer.from('6789'), crc(Buffer.from('12345'), 0))).toBe(0xcbf43926)
    expect(crc(Buffer.alloc(0), 0)).toBe(0)
  },
)
