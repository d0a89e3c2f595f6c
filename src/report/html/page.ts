import type { RunModel } from '../model/run-model.js'
import { showBytes, showMilliseconds } from '../units.js'
import { gantt } from './gantt.js'
import { html, type Html } from './markup.js'
import { config, failures, hosts, messages, plan, steps } from './sections.js'
import { style } from './style.js'

/**
 * One self-contained page about a run. It has no script and loads nothing, and says so to the browser: whatever a host wrote
 * into its log is text.
 */
export function pageOf(model: RunModel): string {
  const title = titleOf(model)
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${title}</h1>
            ${badge(model)}
          </header>
          <p class="sub">${model.result?.text ?? 'did not end'}</p>
          ${tiles(model)} ${failures(model)} ${timeline(model)} ${hosts(model)} ${steps(model)}
          ${messages(model)} ${plan(model)} ${config(model)}
          <footer>deliver ${model.version} · ${model.command} · began ${isoTime(model.startedAt)}</footer>
        </main>
      </body>
    </html> `
  return page.text
}

function titleOf({ app, environment, plan: planned, command }: RunModel): string {
  const what = planned === undefined ? command || 'deliver' : `${planned.kind} ${planned.release}`
  return app === '' ? what : `${app} → ${environment}: ${what}`
}

const verdicts: Readonly<Record<number, readonly [text: string, tone: 'good' | 'bad' | 'warn']>> = {
  0: ['done', 'good'],
  4: ['partial', 'bad'],
  5: ['failed, rolled back', 'warn'],
  6: ['rollback failed', 'bad'],
  130: ['interrupted', 'warn'],
  143: ['terminated', 'warn'],
}

function badge({ result }: RunModel): Html {
  const [text, tone] = (result === undefined ? undefined : verdicts[result.code]) ?? ['failed', 'bad']
  return html`<span class="badge ${tone}">${text}</span><span class="dim">exit ${result?.code ?? '?'}</span>`
}

function tiles(model: RunModel): Html {
  const all = [...model.hosts.values()]
  const well = all.filter(({ outcome, state }) =>
    outcome === undefined ? state === 'done' : outcome.kind === 'done' || outcome.kind === 'unchanged',
  )
  const sent = all.reduce((sum, host) => sum + host.sent, 0)
  const good = all.reduce((sum, { probed }) => sum + probed.good, 0)
  const bad = all.reduce((sum, { probed }) => sum + probed.bad, 0)
  const receivers = all.filter((host) => host.sent > 0).length
  const took = showMilliseconds((model.endedAt ?? model.startedAt) - model.startedAt)
  return html`<dl class="tiles">
    ${[
      tile('took', took),
      ...(all.length === 0
        ? []
        : [
            tile('hosts on the release', String(well.length), `of ${all.length}`),
            tile('batches', String(model.batches.length), `of ${model.plan?.batches.length ?? '?'} planned`),
            tile('sent', showBytes(sent), `to ${receivers} host${receivers === 1 ? '' : 's'}`),
            tile('health answers', String(good), `good, ${bad} bad`),
          ]),
    ]}
  </dl>`
}

function tile(name: string, value: string, more?: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}${more === undefined ? undefined : html` <small>${more}</small>`}</dd>
  </div>`
}

function timeline(model: RunModel): Html | undefined {
  if (model.hosts.size === 0 && model.steps.length === 0) return undefined
  return html`<section class="long">
    <h2>Timeline</h2>
    <div class="scroll">${gantt(model)}</div>
  </section>`
}

const isoTime = (at: number): string => new Date(at).toISOString().replace('T', ' ').slice(0, 19) + ' UTC'
