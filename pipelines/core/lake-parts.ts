import type { LakePart } from './lake-ports.ts'
import type { SignalSpec, StatisticSpec, WindowSpec } from './spec.ts'

/** What every number that a window reads has; sketches come where the window keeps what they answer. */
const always = ['n', 'sum', 'm2', 'min', 'max', 'first', 'last'] as const satisfies readonly LakePart['part'][]

/**
 * The parts that the rollups of a window carry beside its `keep`, so that coarser intervals and groups of devices are merges of them.
 *
 * Shape: per number signal that the window reads, in the order of the signals
 */
export function lakeParts ({ keep }: Pick<WindowSpec, 'keep'>, signals: readonly SignalSpec[]): readonly LakePart[] {
  return signals.flatMap(({ name: signal, kind }) => {
    const kinds = new Set(keep.flatMap(({ statistic }) => 'signal' in statistic && statistic.signal === signal ? [statistic.kind] : []))
    if (kinds.size === 0) return []
    const parts: LakePart['part'][] = [...kind === 'number' ? always : [], ...kinds.has('quantile') ? ['sketch'] as const : [], ...kinds.has('distinct') ? ['distinct'] as const : []]
    return parts.map(part => ({ name: `${signal}_${part}`, signal, part }))
  })
}

/** What fills a part. */
export function partStatistic ({ signal, part }: LakePart): StatisticSpec {
  switch (part) {
    case 'distinct': return { kind: 'distinctBytes', signal }
    case 'sketch': return { kind: 'sketchBytes', signal }
    default: return { kind: part, signal }
  }
}
