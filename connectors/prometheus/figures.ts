import client, { type Metric } from 'prom-client'

/** A sample of a histogram is counts by bucket (`bounds`, and one above), not cumulated, and the sum of what was measured. */
export interface Distribution { readonly bounds: readonly number[], readonly counts: readonly number[], readonly sum: number }
export interface Sample { readonly labels: Readonly<Record<string, string>>, readonly value: number | Distribution }

/**
 * One metric, whose samples are made when somebody scrapes.
 *
 * Units: base units (seconds, bytes), as Prometheus has them; a sample that is not a number is left out
 */
export interface Figure {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: () => readonly Sample[]
}

export interface Exposition { readonly contentType: string, text (): Promise<string> }

/**
 * Figures, and those of the process that prom-client knows (`process_*`, `nodejs_*`), in Prometheus' text format.
 *
 * Source: Prometheus, "Exposition formats", text 0.0.4
 */
export function exposition (figures: readonly Figure[]): Exposition {
  const registry = new client.Registry()
  client.collectDefaultMetrics({ register: registry })
  // The registry prints whatever answers `get`; counters of its own could be counted up only, not set to what was counted elsewhere.
  for (const figure of figures) registry.registerMetric({ name: figure.name, get: async () => valuesOf(figure) } as unknown as Metric)
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

interface Value { readonly labels: Readonly<Record<string, string | number>>, readonly value: number, readonly metricName?: string }

function valuesOf ({ name, kind, help, samples }: Figure): { readonly name: string, readonly help: string, readonly type: string, readonly aggregator: 'sum', readonly values: readonly Value[] } {
  const values = samples().flatMap(({ labels, value }): readonly Value[] => {
    if (typeof value !== 'number') return buckets(name, labels, value)
    return Number.isFinite(value) ? [{ labels, value }] : []
  })
  return { name, help, type: kind, aggregator: 'sum', values }
}

function buckets (name: string, labels: Sample['labels'], { bounds, counts, sum }: Distribution): readonly Value[] {
  let below = 0
  const cumulated = counts.map(many => { below += many; return below })
  return [
    ...cumulated.map((value, at) => ({ metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? '+Inf' }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ]
}
