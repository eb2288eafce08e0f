/** Draws what `data-chart` holds with uPlot, in the colours of the scheme, as wide as there is room. */
'use strict'

const HEIGHT = 150

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

function duration(seconds) {
  if (seconds < 1) return seconds === 0 ? '0' : `${Math.round(seconds * 1000)} ms`
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  if (seconds < 3600) return `${Math.round(seconds / 6) / 10} min`
  return `${Math.round(seconds / 360) / 10} h`
}

function moment(at, range) {
  const date = new Date(at * 1000)
  const day = date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
  return range > 3 * 86_400 || isMidnight
    ? day
    : date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false })
}

function draw(figure) {
  const { times, series, unit, from, to } = JSON.parse(figure.dataset.chart)
  const isTime = unit === 'seconds'
  const text = isTime ? duration : (value) => String(value)
  const axis = {
    stroke: colour('ink-soft'),
    grid: { stroke: colour('line-soft'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  const plot = new uPlot(
    {
      width: figure.clientWidth,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      cursor: { points: { size: 7 }, drag: { x: false, y: false } },
      legend: { live: false },
      // Durations range from a blink to an hour.
      scales: {
        x: { range: [from, to] },
        y: isTime ? { distr: 3, log: 10 } : { range: (_, __, most) => [0, Math.max(4, Math.ceil(most * 1.15))] },
      },
      axes: [
        { ...axis, space: 60, values: (_, splits) => splits.map((at) => moment(at, to - from)) },
        {
          ...axis,
          size: 52,
          values: (_, splits) =>
            splits.map((value) => (value === null || (!isTime && value % 1 !== 0) ? '' : text(value))),
        },
      ],
      series: [
        {},
        ...series.map(({ label, tone, as }) => ({
          label,
          stroke: colour(tone),
          fill: as === 'steps' ? `color-mix(in srgb, ${colour(tone)} 18%, transparent)` : undefined,
          width: as === 'steps' ? 1.5 : 0,
          paths: as === 'steps' ? uPlot.paths.stepped({ align: 1 }) : () => null,
          points: { show: as === 'points', size: 6, fill: colour(tone), stroke: colour(tone) },
          spanGaps: false,
        })),
      ],
    },
    [times, ...series.map(({ values }) => values)],
    figure,
  )
  new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure)
  return plot
}

const drawn = new Map()
function drawAll() {
  for (const [figure, plot] of drawn) {
    plot.destroy()
    if (!figure.isConnected) drawn.delete(figure)
  }
  for (const figure of document.querySelectorAll('[data-chart]')) drawn.set(figure, draw(figure))
}

drawAll()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
document.addEventListener('part', (event) => {
  if (event.target.querySelector('[data-chart]') !== null) drawAll()
})
