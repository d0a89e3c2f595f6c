import type { HostModel } from '../model/host-model.js'
import type { RunModel } from '../model/run-model.js'
import { showBytes, showMilliseconds } from '../units.js'
import { html, type Html } from './markup.js'

/** Parts of the page; undefined where there is nothing to tell. */

const toneOf: Readonly<Record<string, string>> = {
  done: 'good',
  unchanged: 'good',
  failed: 'bad',
  'rolled-back': 'warn',
  'rollback-failed': 'bad',
}

const endOf = ({ outcome, state }: HostModel): string => outcome?.kind ?? state

/** Why it ended as it did, and what its service wrote. */
export function failures({ hosts: all, result, output, steps: begun }: RunModel): Html | undefined {
  const failed = [...all.values()].filter((host) => /failed|rolled-back/.test(endOf(host)))
  const unfinished = begun.filter(({ to }) => to === undefined)
  const shown = failed.map((host) =>
    block(`${host.name} · ${endOf(host)}`, host.outcome?.because ?? host.detail ?? '', host.log),
  )
  const broken = unfinished.map(({ name }) => block(`${name} · not finished`, result?.text ?? '', output))
  if (result?.ok === true && shown.length === 0) return undefined
  if (shown.length + broken.length === 0 && result?.fix === undefined) return undefined
  const fix = result?.fix === undefined ? undefined : html`<p>${result.fix}</p>`
  return html`<section class="long">
    <h2>What went wrong</h2>
    ${shown}${broken}${fix}
  </section>`
}

function block(title: string, because: string, log: readonly string[]): Html {
  const lines = log.length === 0 ? undefined : html`<pre>${log.join('\n')}</pre>`
  return html`<div class="failure">
    <p><strong>${title}</strong></p>
    <p>${because}</p>
    ${lines}
  </div>`
}

export function hosts(model: RunModel): Html | undefined {
  if (model.hosts.size === 0) return undefined
  const from = new Map(model.plan?.hosts.map((step) => [step.host, step.from]))
  const rows = [...model.hosts.values()].map((host) => {
    const { outcome } = host
    const runs = outcome?.runs === undefined ? 'unknown' : (outcome.runs ?? 'nothing')
    const before = from.get(host.name)
    const change = before === undefined || before === runs ? runs : `${before ?? 'nothing'} → ${runs}`
    return html`<tr>
      <td class="name">${host.name}</td>
      <td class="num">${host.batch ?? '–'}</td>
      <td class="nowrap ${toneOf[endOf(host)] ?? 'dim'}">${endOf(host)}</td>
      <td>${outcome === undefined ? '' : change}</td>
      <td class="num">${host.sent > 0 ? showBytes(host.sent) : '–'}</td>
      <td class="dim">${host.sent > 0 ? host.sentAs : ''}</td>
      <td class="num">
        ${host.probed.good + host.probed.bad === 0 ? '–' : `${host.probed.good} / ${host.probed.bad}`}
      </td>
      <td class="num">${outcome === undefined ? '' : showMilliseconds(outcome.ms)}</td>
      <td class="why">${outcome?.because ?? host.detail ?? ''}</td>
    </tr>`
  })
  return html`<section class="long">
    <h2>Hosts</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>host</th>
            <th class="num">batch</th>
            <th>outcome</th>
            <th>runs</th>
            <th class="num">sent</th>
            <th>as</th>
            <th class="num">health ok / not</th>
            <th class="num">took</th>
            <th>because</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`
}

export function steps(model: RunModel): Html | undefined {
  if (model.steps.length === 0) return undefined
  const rows = model.steps.map(
    ({ name, detail, from, to }) =>
      html`<tr>
        <td class="name">${name}</td>
        <td class="num">${to === undefined ? 'not finished' : showMilliseconds(to - from)}</td>
        <td class="why">${detail ?? ''}</td>
      </tr>`,
  )
  return html`<section>
    <h2>Steps</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>step</th>
            <th class="num">took</th>
            <th>of</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`
}

export function messages({ messages: all }: RunModel): Html | undefined {
  if (all.length === 0) return undefined
  const items = all.map(
    ({ at, kind, host, text }) =>
      html`<li${kind === 'warning' ? html` class="warn"` : undefined}><time>${new Date(at).toISOString().slice(11, 19)}</time>${host === undefined ? undefined : html`<strong>${host}</strong> `}${kind === 'warning' ? 'warning: ' : ''}${text}</li>`,
  )
  return html`<section class="long">
    <h2>Notes and warnings</h2>
    <ul class="messages">
      ${items}
    </ul>
  </section>`
}

export function plan({ plan: planned }: RunModel): Html | undefined {
  if (planned === undefined) return undefined
  const { bound, onFailure, batchLimit, pause } = planned
  const facts: readonly (readonly [string, string])[] = [
    ['on failure', onFailure],
    ['out of service at once', `at most ${batchLimit}`],
    ['pause between batches', showMilliseconds(pause)],
    ['time for batches', `at most ${showMilliseconds(bound.switching)}`],
    ['worst case', `${showMilliseconds(bound.worst)}, if hosts stop answering and all has to go back`],
  ]
  const batchOf = new Map(
    planned.batches.flatMap((batch, at) => batch.map((host) => [host, at + 1] as const)),
  )
  const rows = planned.hosts.map(
    ({ host, from, to, stage, act, because }) =>
      html`<tr>
        <td class="name">${host}</td>
        <td class="num">${batchOf.get(host) ?? '–'}</td>
        <td>${from ?? 'nothing'} → ${to}</td>
        <td class="nowrap">
          ${act === 'verify' ? 'check health' : `${stage === 'send' ? 'send, ' : ''}switch, restart, settle`}
        </td>
        <td class="why">${because}</td>
      </tr>`,
  )
  const skipped = planned.skipped.map(
    ({ host, because, runs }) =>
      html`<tr>
        <td class="name">${host}</td>
        <td class="num">–</td>
        <td>${runs ?? 'nothing'}</td>
        <td>nothing</td>
        <td class="why">${because}</td>
      </tr>`,
  )
  return html`<section class="long">
    <details>
      <summary>The plan</summary>
      ${pairs(facts)}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>host</th>
              <th class="num">batch</th>
              <th>runs</th>
              <th>what</th>
              <th>because</th>
            </tr>
          </thead>
          <tbody>
            ${rows}${skipped}
          </tbody>
        </table>
      </div>
    </details>
  </section>`
}

export function config({ settings }: RunModel): Html | undefined {
  if (settings.length === 0) return undefined
  return html`<section class="long">
    <details>
      <summary>Configuration</summary>
      <p class="dim">
        Settings that can't hold a secret; commands, headers and environment variables are left out.
      </p>
      ${pairs(settings.map(({ path, value }) => [path, value] as const))}
    </details>
  </section>`
}

function pairs(list: readonly (readonly [string, string])[]): Html {
  const rows = list.map(
    ([key, value]) =>
      html`<tr>
        <td class="nowrap dim">${key}</td>
        <td>${value}</td>
      </tr>`,
  )
  return html`<table>
    ${rows}
  </table>`
}
