/** What a terminal shows, as SVG: text that can be selected, in the colours that it has there. */
const cell = { width: 7.8, height: 17 }
const margin = 14
const paper = '#16181d'
const ink = '#d7dae0'
const palette = [
  ...['#3b4048', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#abb2bf'],
  ...['#6b7280', '#ff7b85', '#b5e890', '#ffd68a', '#7cc4ff', '#dd9bf0', '#7fd6e0', '#ffffff'],
]

export function screenSvg(terminal, { cols, rows }) {
  const { active } = terminal.buffer
  const lines = Array.from({ length: rows }, (_, y) => runsOf(active.getLine(active.baseY + y), cols))
  while (lines.at(-1)?.every(({ text }) => text.trim() === '')) lines.pop()
  const width = Math.ceil(cols * cell.width + 2 * margin)
  const height = Math.ceil(lines.length * cell.height + 2 * margin)
  const text = lines.map((runs, y) => runs.map((run) => spanOf(run, y)).join('')).join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<rect width="100%" height="100%" rx="8" fill="${paper}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
${text}
</g>
</svg>
`
}

/** Neighbours that look alike. */
function runsOf(line, cols) {
  const runs = []
  for (let x = 0; x < cols; x++) {
    const at = line?.getCell(x)
    if (at === undefined || at.getWidth() === 0) continue
    const style = `${at.isFgPalette() ? palette[at.getFgColor() % 16] : ink}|${at.isBold() !== 0}|${at.isDim() !== 0}`
    const last = runs.at(-1)
    if (last?.style === style) last.text += at.getChars() || ' '
    else runs.push({ x, style, text: at.getChars() || ' ' })
  }
  return runs
}

function spanOf(run, y) {
  const text = run.text.trim()
  if (text === '') return ''
  const x = run.x + run.text.indexOf(text)
  const { style } = run
  const [fill, bold, dim] = style.split('|')
  const place = `x="${(margin + x * cell.width).toFixed(1)}" y="${(margin + (y + 0.75) * cell.height).toFixed(1)}"`
  // Fonts differ in width; the columns must not.
  const length = `textLength="${(text.length * cell.width).toFixed(1)}"`
  const look = `${bold === 'true' ? ' font-weight="bold"' : ''}${dim === 'true' ? ' opacity="0.65"' : ''}`
  return `<text ${place} ${length} fill="${fill}"${look}>${escaped(text)}</text>`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(' ', '\u00a0') // none collapses
}
