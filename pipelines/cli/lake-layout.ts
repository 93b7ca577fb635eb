import { lakeParts } from '../core/lake-parts.ts'
import type { LakeLayout } from '../core/lake-ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { windowColumns } from '../window/stage.ts'

/** The tables that a pipeline's lake has. The definition must have one. */
export function layoutOf ({ name, sources, signals, windows, lake, futureMaxMs }: CompiledPipeline): LakeLayout {
  const { rollups, allowedLatenessMs: _, chunks: __, rawFields, ...spec } = lake!
  const intervals = sources.flatMap(({ intervalMs }) => intervalMs === null ? [] : [intervalMs])
  return {
    ...spec, pipeline: name, signals,
    ...rawFields && { raw: sources.map(source => ({ source: source.name, contract: source.contract })) },
    ...futureMaxMs !== undefined && { futureMaxMs },
    intervalMs: intervals.length === 0 ? null : Math.min(...intervals),
    windows: windows.filter(window => rollups.includes(window.name)).map(window => ({ name: window.name, shape: window.shape, columns: windowColumns(window, signals), parts: lakeParts(window, signals) })),
  }
}
