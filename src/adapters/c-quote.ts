/** A path as git quotes it where it reads lists: alternates, attributes, fast-import. Any bytes but NUL survive. */
export function cQuote(path: Buffer): Buffer {
  const parts: Buffer[] = [quote]
  let start = 0
  for (let i = 0; i < path.length; i++) {
    const byte = path[i] ?? 0
    if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c && byte !== 0x7f) continue
    parts.push(path.subarray(start, i), Buffer.from(`\\${byte.toString(8).padStart(3, '0')}`))
    start = i + 1
  }
  parts.push(path.subarray(start), quote)
  return Buffer.concat(parts)
}

const quote = Buffer.from('"')
