/** So many cases of a property; as many as there is time for when DELIVER_FUZZ says how long each may take (test/fuzz.ts). */
export function cases(number: number): number {
  return Number(process.env['DELIVER_FUZZ'] ?? 0) > 0 ? Number.MAX_SAFE_INTEGER : number
}
