import { showMilliseconds } from '../report/units.js'
import type { Notice, NoticeHost } from './notice.js'

/** A notice in the words and marks of Slack. */

const signs = { started: '▶', succeeded: '✔', failed: '✖', 'rolled-back': '↩', aborted: '■' } as const

const mostHosts = 10
/** Characters of one text; Slack cuts a message at 40 000, and people stop reading long before. */
const longest = 600

export function slackText(notice: Notice): string {
  const { event, app, environment, release, previous } = notice
  const what = release === undefined ? 'last good releases' : code(release)
  const doing = notice.command === 'rollback' ? 'rollback to' : notice.command
  const from = previous === undefined || previous === release ? '' : ` (was ${code(previous)})`
  const title = `${signs[event]} *${escaped(app)}* → *${escaped(environment)}*: ${doing} ${what} *${event}*${from}`
  const tail = [byWhom(notice), took(notice)].filter((part) => part !== '').join(' · ')
  const lines = event === 'started' ? [title, tail] : [title, escaped(notice.text), ...troubles(notice), tail]
  return lines.filter((line) => line !== '').join('\n')
}

function byWhom({ by, job, jobUrl }: Notice): string {
  if (job === undefined) return `by ${escaped(by)}`
  return `by ${escaped(by)}, ${jobUrl === undefined ? escaped(job) : link(jobUrl, job)}`
}

function took({ started, ended }: Notice): string {
  return ended === undefined ? '' : showMilliseconds(Math.max(0, Date.parse(ended) - Date.parse(started)))
}

/** What went wrong where, and what to do about it. */
function troubles({ hosts = [], fix }: Notice): readonly string[] {
  const bad = hosts.filter(({ because, outcome }) => because !== undefined && outcome !== 'done')
  const more = bad.length > mostHosts ? [`• and ${bad.length - mostHosts} more`] : []
  return [...bad.slice(0, mostHosts).map(hostLine), ...more, ...(fix === undefined ? [] : [escaped(fix)])]
}

function hostLine({ host, outcome, because = '' }: NoticeHost): string {
  return `• ${code(host)} ${outcome}: ${escaped(because)}`
}

/** Only these three steer Slack: `<!channel>` and `<@U1>` would ping, `<http://…|…>` would be a link that lies. */
export function escaped(text: string): string {
  const short = [...text].slice(0, longest).join('')
  return `${short}${short.length < text.length ? '…' : ''}`
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

/** A name as it is, whatever marks it has. */
function code(text: string): string {
  return `\`${escaped(text.replaceAll('`', "'"))}\``
}

function link(url: string, label: string): string {
  const address = url.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E')
  return `<${address.replaceAll('&', '&amp;')}|${escaped(label.replaceAll('|', '¦'))}>`
}
