/** The shapes in which programs print a value that they were given. */

/** A shorter text is part of so many others that hiding it would hide the log. */
export const shortestHidden = 4
/** The same for a part of a secret, such as one line of a key. */
const shortestPart = 6
/** A longer file is hidden line by line. */
export const longestHidden = 64 * 1024

/**
 * All texts that give a secret away: as it is, by its lines, in base64 at each of the three alignments (also as URLs have it), in
 * hex, URL-encoded, JSON-escaped, and quoted for a shell. Longest first, so that what contains another form is hidden as a whole.
 */
export function formsOf(secret: string): readonly string[] {
  if (secret.length < shortestHidden) return []
  const parts = secret.split(/[\p{Cc}\u2028\u2029]+/u).filter((part) => part.length >= shortestPart)
  const whole = secret.length <= longestHidden ? [secret] : []
  const forms = [...whole, ...parts].flatMap((text) => [
    text,
    ...base64Forms(text),
    ...hexForms(text),
    ...urlForms(text),
    ...jsonForms(text),
    text.replaceAll("'", `'\\''`),
  ])
  return [...new Set(forms)]
    .filter((form) => form.length >= shortestHidden)
    .sort((a, b) => b.length - a.length)
}

/** Without the characters at the ends that depend on what stands beside the secret. */
function base64Forms(text: string): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
    const first = Math.ceil((before * 8) / 6)
    const form = bytes.toString('base64url').slice(first, Math.floor((bytes.length * 8) / 6))
    return [form, form.replaceAll('-', '+').replaceAll('_', '/')]
  })
}

function hexForms(text: string): readonly string[] {
  const hex = Buffer.from(text).toString('hex')
  return [hex, hex.toUpperCase()]
}

/** As encodeURIComponent has it, by RFC 3986, and as forms are sent; each with digits in both cases. */
function urlForms(text: string): readonly string[] {
  const component = encodeURIComponent(Buffer.from(text).toString())
  const strict = component.replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  const form = strict.replaceAll('%20', '+')
  const small = (encoded: string): string => encoded.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())
  return [component, strict, form].flatMap((encoded) => [encoded, small(encoded)])
}

/** Also with slashes escaped, and with everything escaped that isn't ASCII. */
function jsonForms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return [json, ascii, json.replaceAll('/', '\\/'), JSON.stringify(json).slice(1, -1)]
}
