import assert from 'node:assert/strict'

export interface Scraped { readonly type: string, readonly help: string, readonly samples: readonly { readonly name: string, readonly labels: Readonly<Record<string, string>>, readonly value: number }[] }

const nameOf = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'], counter: [''], gauge: [''], untyped: [''] }

/**
 * Read Prometheus' text format, strictly: every sample under a HELP and a TYPE, no series twice, histograms whole and cumulated.
 *
 * Source: Prometheus, "Exposition formats", text 0.0.4; "Metric and label naming"
 */
export function readExposition (text: string): ReadonlyMap<string, Scraped> {
  assert(text.endsWith('\n'), 'the last line ends')
  const metrics = new Map<string, { type: string, help: string, samples: { name: string, labels: Record<string, string>, value: number }[] }>()
  const series = new Set<string>()
  let current = ''
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') {
      assert(!metrics.has(name!), `${name} has one HELP`)
      metrics.set(current = name!, { type: '', help: rest!, samples: [] })
    } else if (kind === 'TYPE') {
      assert.equal(name, current, 'TYPE follows HELP')
      assert(rest! in suffixes, line)
      metrics.get(name!)!.type = rest!
    } else {
      const sample = sampleOf(line)
      const { type, samples } = metrics.get(current)!
      assert(suffixes[type]!.some(suffix => sample.name === current + suffix), `${sample.name} belongs to ${current}`)
      const id = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`
      assert(!series.has(id), `${id} is there once`)
      series.add(id)
      samples.push(sample)
    }
  }
  for (const [name, metric] of metrics) checkMetric(name, metric)
  return metrics
}

function sampleOf (line: string) {
  const [, name, inner = '', value] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  assert(name !== undefined && nameOf.test(name), line)
  const labels: Record<string, string> = {}
  let rest = inner
  while (rest !== '') {
    const [whole, label, text] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)",?/.exec(rest) ?? []
    assert(whole !== undefined, line)
    labels[label!] = text!.replace(/\\(.)/g, (_, escaped: string) => escaped === 'n' ? '\n' : escaped)
    rest = rest.slice(whole.length)
  }
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : value === '-Inf' ? Number.NEGATIVE_INFINITY : Number(value)
  // Go's ParseFloat, and so Prometheus, takes every case; prom-client writes Nan.
  assert(/^nan$/i.test(value!) || !Number.isNaN(number), line)
  return { name, labels, value: number }
}

function checkMetric (name: string, { type, help, samples }: Scraped): void {
  assert(type !== '' && help !== '', `${name} has a type and a help`)
  if (type === 'counter') assert(name.endsWith('_total'), `${name} ends as a counter does`)
  if (type === 'gauge') assert(!/_(total|count|sum|bucket)$/.test(name) || /^(nodejs|process)_/.test(name), name)
  for (const { value } of samples) if (type === 'counter') assert(value >= 0, name)
  if (type !== 'histogram') return
  const buckets = samples.filter(sample => sample.name === `${name}_bucket`)
  for (const { labels: { le, ...labels }, value } of buckets.filter(({ labels }) => labels.le === '+Inf')) {
    const same = (other: Readonly<Record<string, string>>) => { const { le: _, ...rest } = other; return JSON.stringify(rest) === JSON.stringify(labels) }
    const values = buckets.filter(sample => same(sample.labels)).map(sample => sample.value)
    assert.deepEqual(values, [...values].sort((a, b) => a - b), `${name} is cumulated up to ${le}`)
    assert.equal(samples.find(sample => sample.name === `${name}_count` && same(sample.labels))!.value, value)
  }
}
