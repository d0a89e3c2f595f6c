/** `850ms`, `12.3s`, `4m05s`, `1h02m`: as exact as people need it. */
export function showMilliseconds(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '?'
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms / 100) / 10
  if (seconds < 60) return `${seconds.toFixed(1)}s`
  const whole = Math.round(ms / 1000)
  const padded = (value: number) => String(value).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)}m${padded(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h${padded(Math.floor((whole % 3600) / 60))}m`
}

/** `812 B`, `12.3 kB`, `4.5 MB`: powers of a thousand, as disks and networks count. */
export function showBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '?'
  if (bytes < 1000) return `${Math.round(bytes)} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1] ?? 'TB'}`
}

/** How long ago, in the largest unit that fits: `40s`, `12m`, `5h`, `3d`. */
export function showAge(ms: number): string {
  if (!Number.isFinite(ms)) return '?'
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** `1 host`, `3 hosts`; `16.1M inodes`. */
export function showCount(count: number, what: string): string {
  const shown =
    count < 100_000
      ? String(count)
      : count < 1e6
        ? `${Math.floor(count / 1000)}k`
        : `${(count / 1e6).toFixed(1)}M`
  return `${shown} ${what}${count === 1 ? '' : 's'}`
}

/** `web1, web2, web3 and 4 more`. */
export function listed(names: readonly string[], shown = 3): string {
  const more = names.length > shown ? ` and ${names.length - shown} more` : ''
  return `${names.slice(0, shown).join(', ')}${more}`
}

/** Whole seconds, for a time that is still running: `7s`, `4m05s`, `1h02m`. */
export function showSeconds(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1000))
  return whole < 60 ? `${whole}s` : showMilliseconds(whole * 1000)
}
