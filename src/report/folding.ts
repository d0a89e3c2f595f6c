/** Marks that fold a part of a job's log away in a browser. */
export interface Folding {
  /** The line that opens a part; `at` in ms since 1970. Parts aren't nested. */
  readonly open: (title: string, at: number) => string
  readonly close: (at: number) => string
  /** A line of ours that the CI system must not take for a command of its own. */
  readonly defuse: (line: string) => string
}

const github: Folding = {
  open: (title) => `::group::${title}`,
  close: () => '::endgroup::',
  // Commands begin a line, the older kind stands anywhere in it.
  defuse: (line) => line.replace(/^(\s*):(?=:)/, '$1: ').replaceAll('##[', '## ['),
}

/** GitLab matches an end with its start by name, so that one name does for all as long as parts aren't nested. */
const gitlab: Folding = {
  open: (title, at) => `\x1b[0Ksection_start:${seconds(at)}:deliver\r\x1b[0K${title}`,
  close: (at) => `\x1b[0Ksection_end:${seconds(at)}:deliver\r\x1b[0K`,
  defuse: (line) => line,
}

const seconds = (ms: number): number => Math.floor(ms / 1000)

/** What the CI system that runs this job understands; undefined: nothing. */
export function foldingFor(env: NodeJS.ProcessEnv): Folding | undefined {
  if (env.GITHUB_ACTIONS === 'true') return github
  return env.GITLAB_CI === 'true' ? gitlab : undefined
}
