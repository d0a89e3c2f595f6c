import { trusted } from './markup.js'

/** The page's style sheet: light, dark and print, no font or image from elsewhere. */
export const style = trusted(`
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --text: #1c2430; --dim: #5f6b7a; --band: #f0f2f5;
  --good: #1a7f4b; --good-soft: #dcf3e6; --bad: #c62f3b; --bad-soft: #fde5e6; --warn: #9a6200; --warn-soft: #fdf1d6;
  --look: #a9b3bf; --stage: #4a7fd6; --wait: #d9dfe7; --drain: #8c6fcf; --switch: #e0a020; --settle: #39a88f;
  --back: #d9703a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2029; --line: #2d3642; --text: #e4e9f0; --dim: #98a4b3; --band: #202732;
    --good: #5ac58c; --good-soft: #16352a; --bad: #f0777f; --bad-soft: #3d2023; --warn: #e2b35c; --warn-soft: #382c16;
    --look: #5f6b7a; --stage: #5d93ea; --wait: #343e4b; --drain: #a48ae0; --switch: #d9a436; --settle: #3fb499;
    --back: #e0814d;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
main { max-width: 1160px; margin: 0 auto; padding: 32px 24px 48px }
h1 { font-size: 24px; line-height: 1.25; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere }
h2 { font-size: 15px; margin: 0 0 14px }
header { display: flex; gap: 8px 16px; align-items: center; flex-wrap: wrap; margin-bottom: 4px }
.sub { color: var(--dim); margin: 0 0 20px; overflow-wrap: anywhere }
.badge { padding: 3px 12px; border-radius: 99px; font-weight: 600; font-size: 13px; white-space: nowrap }
.good { color: var(--good) } .bad { color: var(--bad) } .warn { color: var(--warn) } .dim { color: var(--dim) }
.badge.good { background: var(--good-soft) } .badge.bad { background: var(--bad-soft) }
.badge.warn { background: var(--warn-soft) }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin: 16px 0 }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px }
.tiles dt { color: var(--dim); font-size: 12px } .tiles dd { margin: 2px 0 0; font-size: 20px; font-weight: 600 }
.tiles dd small { font-size: 12px; font-weight: 400; color: var(--dim) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: 12px; white-space: nowrap }
th, td { padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top }
tbody tr:last-child td { border-bottom: 0 }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.name { font-weight: 600; white-space: nowrap; width: 1% } td.num, th.num, td.nowrap { width: 1% } td.why { color: var(--dim); overflow-wrap: anywhere; min-width: 200px }
.nowrap { white-space: nowrap }
code, pre { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace }
pre { background: var(--band); border-radius: 6px; padding: 10px 14px; margin: 8px 0 0; overflow: auto; max-height: 420px;
  white-space: pre-wrap; overflow-wrap: anywhere }
.failure { border-left: 3px solid var(--bad); padding-left: 14px; margin: 14px 0 } .failure p { margin: 0 }
.failure:first-of-type { margin-top: 0 }
summary { cursor: pointer; font-size: 15px; font-weight: 600 } details[open] summary { margin-bottom: 12px }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; color: var(--dim); font-size: 12px; margin: 8px 0 0 }
.legend svg { vertical-align: -1px; margin-right: 5px }
ul.messages { list-style: none; margin: 0; padding: 0 }
ul.messages li { padding: 3px 0; overflow-wrap: anywhere }
time { color: var(--dim); font-variant-numeric: tabular-nums; margin-right: 8px }
footer { color: var(--dim); font-size: 12px; margin-top: 20px }
svg.gantt { display: block; width: 100%; min-width: 760px; height: auto }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--text) }
svg text.dim { fill: var(--dim); font-size: 11px } svg text.part { fill: var(--dim); font-size: 11px; font-weight: 600 }
.band { fill: var(--band) } .grid { stroke: var(--line) }
.s-look { fill: var(--look) } .s-stage { fill: var(--stage) } .s-wait { fill: var(--wait) } .s-drain { fill: var(--drain) }
.s-switch { fill: var(--switch) } .s-settle { fill: var(--settle) } .s-back { fill: var(--back) }
.s-good { fill: var(--good) } .s-bad { fill: var(--bad) } .s-off { fill: var(--look) } .s-step { fill: var(--dim) }
.probe { stroke: var(--card); stroke-width: 1 }
@media print {
  :root { --page: #fff; --band: #f3f4f6 }
  body { font-size: 11px } main { max-width: none; padding: 0 }
  section, .tiles div, tr { break-inside: avoid } section.long { break-inside: auto } pre { max-height: none }
  details::details-content { content-visibility: visible; block-size: auto }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  @page { margin: 14mm }
}
`)
