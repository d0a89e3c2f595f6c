const width = 720
const bar = 22
const left = 260
const colours = { plain: '#6e7781', deliver: '#1a7f37' }
const labels = { plain: 'plain shell steps', deliver: 'deliver' }

/** Bars of seconds for each kind of build, as SVG. `rows`: as in the JSON of build-half.js. */
export function plotOfBuild(rows, what) {
  const parts = []
  let y = 34
  for (const { kind, ratio, ...seconds } of rows) {
    parts.push(text(10, y + 14, kind, 'font-weight="600"'))
    y += 22
    const most = Math.max(seconds.plain, seconds.deliver)
    for (const who of ['plain', 'deliver']) {
      const length = Math.max(2, ((width - left - 150) * seconds[who]) / most)
      const times = who === 'deliver' ? `, ratio ${ratio.toFixed(1)}` : ''
      parts.push(text(left - 10, y + 15, labels[who], 'text-anchor="end"'))
      parts.push(
        `<rect x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="${bar - 6}" rx="2" fill="${colours[who]}"/>`,
      )
      parts.push(text(left + 8 + length, y + 15, `${seconds[who].toFixed(1)} s${times}`))
      y += bar
    }
    y += 12
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>${what}</title>
<rect width="${width}" height="${y}" fill="#ffffff"/>
${text(10, 20, what, 'fill="#57606a"')}
${parts.join('\n')}
</svg>
`
}

function text(x, y, content, attributes = '') {
  const fill = attributes.includes('fill') ? '' : 'fill="#24292f" '
  return `<text x="${Number(x).toFixed(1)}" y="${y}" ${fill}${attributes}>${content}</text>`
}
