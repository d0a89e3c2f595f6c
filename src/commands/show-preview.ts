import type { Changes, CommitList, Preview, PreviewHost, ServiceNow } from '../plan/preview.js'
import type { Cell, Reporter } from '../report/events.js'
import { showBytes } from '../report/units.js'
import { boundText, planTitle, whatHappens } from './show.js'

/** A dry run for people: host by host, then what it comes to, then the commits. */
export function showPreview(reporter: Reporter, preview: Preview): void {
  reporter.event({
    type: 'table',
    title: planTitle(preview, preview.hosts.length + preview.skipped.length),
    columns: ['host', 'batch', 'now', 'what', 'send', 'because'],
    rows: [...preview.hosts.map(rowOf), ...preview.skipped.map(skippedRow)],
  })
  reporter.event({
    type: 'table',
    columns: ['what', 'is'],
    rows: summaryOf(preview).map(([what, is, tone]): readonly Cell[] => [
      { text: what, tone: 'strong' },
      { text: is, ...(tone === undefined ? {} : { tone }) },
    ]),
  })
  showChanges(reporter, preview.changes, preview.release)
}

function rowOf(host: PreviewHost): readonly Cell[] {
  return [
    { text: host.host, tone: 'strong' },
    { text: host.batch === null ? '-' : String(host.batch) },
    nowCell(host.now),
    { text: whatHappens(host) },
    { text: host.send === null ? '-' : sizeText(host.send) },
    { text: host.because, tone: 'dim' },
  ]
}

function skippedRow({ host, because }: Preview['skipped'][number]): readonly Cell[] {
  const nothing: Cell = { text: '-' }
  return [
    { text: host, tone: 'strong' },
    nothing,
    nothing,
    { text: 'nothing', tone: 'dim' },
    nothing,
    { text: because, tone: 'dim' },
  ]
}

/** The state of a host's service in a cell. */
export function nowCell(now: ServiceNow): Cell {
  if (now.health === 'healthy') return { text: 'healthy', tone: 'good' }
  if (now.health === 'unchecked') return { text: now.state ?? 'not checked', tone: 'dim' }
  return { text: now.because ?? 'unhealthy', tone: 'bad' }
}

function sizeText({ bytes, exact, as }: NonNullable<PreviewHost['send']>): string {
  return `${exact ? '' : 'about '}${showBytes(bytes)}, ${as}`
}

type Line = readonly [what: string, is: string, tone?: NonNullable<Cell['tone']>]

function summaryOf(preview: Preview): readonly Line[] {
  const { send, lock, runs } = preview
  const about = send.exact ? '' : 'about '
  return [
    ['pointer', pointerText(preview)],
    lock === null
      ? ['lock', 'free', 'good']
      : ['lock', `held by ${lock.job ?? lock.owner} since ${lock.since} (id ${lock.id})`, 'bad'],
    [
      'to send',
      send.hosts === 0
        ? 'nothing'
        : `${about}${showBytes(send.bytes)} to ${send.hosts} host${send.hosts === 1 ? '' : 's'}`,
    ],
    ...(runs.length === 0 ? [] : [['runs', runs.join(', ')] as const]),
    ['time', boundText(preview.bound)],
  ]
}

function pointerText({ pointer, environment }: Preview): string {
  const now =
    pointer.now === null
      ? `${environment} has none yet`
      : `${pointer.now.release} (generation ${pointer.now.generation})`
  if (pointer.then === (pointer.now?.release ?? null)) return `${now}, and stays`
  return `${now}, then ${pointer.then ?? 'none'}`
}

function showChanges(reporter: Reporter, changes: Changes, to: string): void {
  if (changes.kind === 'unknown') {
    reporter.event({ type: 'note', text: `commits: ${changes.because}` })
    return
  }
  const lists: readonly (readonly [string, CommitList])[] = [
    [`in ${to} and not in ${changes.from}`, changes.added],
    [`in ${changes.from} and no longer in ${to}`, changes.removed],
  ]
  for (const [title, { count, commits }] of lists)
    if (count > 0)
      reporter.event({
        type: 'table',
        title: `${count} commit${count === 1 ? '' : 's'} ${title}${commits.length < count ? `, the newest ${commits.length}` : ''}`,
        columns: ['commit', 'author', 'subject'],
        rows: commits.map(({ id, author, subject }) => [
          { text: id.slice(0, 12) },
          { text: author, tone: 'dim' },
          { text: subject },
        ]),
      })
  if (lists.every(([, { count }]) => count === 0))
    reporter.event({ type: 'note', text: `commits: ${to} and ${changes.from} are of the same source` })
}
