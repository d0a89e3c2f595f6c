import type { Run } from './run.js'

/** Shows the last lines of a host's service log: what explains why it failed. */
export function tellLog({ reporter }: Pick<Run, 'reporter'>, host: string, log: string): void {
  for (const line of log.split('\n').filter((each) => each !== ''))
    reporter.event({ type: 'output', host, of: 'service-log', stream: 'stderr', line })
}
