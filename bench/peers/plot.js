const width = 720
const bar = 22
const colours = {
  deliver: '#1a7f37',
  rsync: '#6e7781',
  'rsync-kept': '#6e7781',
  capistrano: '#8c959f',
  git: '#afb8c1',
}

/** Bars of seconds for each step and peer, as SVG. */
export function plotOf({ medians, peers, options, release }) {
  const steps = [
    ['first', 'First deploy'],
    ['incremental', `Next release: ${release.changed} of ${release.files} files changed`],
    ['again', 'The same once more'],
  ].filter(([step]) => medians[step] !== undefined)
  const parts = []
  let y = 34
  for (const [step, title] of steps) {
    const rows = peers.filter(({ name }) => medians[step][name] !== undefined)
    const most = Math.max(...rows.map(({ name }) => medians[step][name].seconds))
    parts.push(text(10, y + 14, title, 'font-weight="600"'))
    y += 24
    for (const { name, label } of rows) {
      const { seconds } = medians[step][name]
      const length = Math.max(2, ((width - 270) * seconds) / most)
      parts.push(text(160, y + 15, label, 'text-anchor="end"'))
      parts.push(
        `<rect x="170" y="${y + 2}" width="${length.toFixed(1)}" height="${bar - 6}" rx="2" fill="${colours[name]}"/>`,
      )
      parts.push(text(178 + length, y + 15, `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`))
      y += bar
    }
    y += 14
  }
  const title = `Seconds for ${options.hosts} hosts, median of ${options.repeat}`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>${title}</title>
<rect width="${width}" height="${y}" fill="#ffffff"/>
${text(10, 20, title, 'fill="#57606a"')}
${parts.join('\n')}
</svg>
`
}

function text(x, y, content, attributes = '') {
  return `<text x="${Number(x).toFixed(1)}" y="${y}" ${attributes.includes('fill') ? '' : `fill="#24292f" `}${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`
}
