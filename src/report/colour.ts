/** Names of its colour maps, which Jenkins' AnsiColor puts into TERM; agents have none there, or `dumb`. */
const ansiColor: ReadonlySet<string> = new Set(['xterm', 'vga', 'css', 'gnome-terminal'])

/** NO_COLOR and FORCE_COLOR as their conventions say; else colour is for terminals, and for Jenkins' AnsiColor. */
export function wantsColour(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  if (env.JENKINS_URL !== undefined && ansiColor.has(env.TERM ?? '')) return true
  return terminal && env.TERM !== 'dumb'
}

/** Whether lines may be drawn over: a terminal that can, in front of somebody. */
export function wantsLiveView(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  const ci = env.CI !== undefined && env.CI !== '' && env.CI !== 'false'
  return terminal && !ci && env.TERM !== 'dumb' && env.TERM !== undefined && env.TERM !== ''
}
