import type { Contract } from '../../schemas/contract.ts'
import type { Path, Problems } from './problem.ts'
import type { CheckedDefinition, CheckedMapping } from './schema.ts'

/** A source as the long form has it; `place` says where each part stands in what the user wrote. */
export interface LongSource {
  readonly name: string
  readonly topic: string
  readonly contract: Contract<object>
  readonly key: string
  readonly time: { readonly field: string, readonly unit?: 's' | 'ms' | 'us' | 'ns' | undefined }
  readonly interval: string | undefined
  readonly dedupe: { readonly by: readonly string[], readonly within: string } | undefined
  readonly normalise: Readonly<Record<string, CheckedMapping>>
  readonly place: Readonly<Record<SourcePart, Path>>
}
type SourcePart = 'contract' | 'key' | 'time' | 'interval' | 'dedupe' | 'normalise'
const parts = ['contract', 'key', 'time', 'interval', 'dedupe', 'normalise'] as const

/** The sources of a definition, whichever form it was written in; problems where the two are mixed or parts are missing. */
export function longForm (definition: CheckedDefinition, problems: Problems): readonly LongSource[] {
  const { source, sources } = definition
  if ((source === undefined) === (sources === undefined)) {
    problems.add(source === undefined ? [] : ['sources'], source === undefined ? '"source" is missing (or "sources", for several)' : 'there is either "source" or "sources", not both', { at: 'key' })
    return []
  }
  if (sources === undefined) return shortForm(definition, problems)
  const besides = (['key', 'interval', 'dedupe', 'normalise'] as const).filter(part => definition[part] !== undefined)
  for (const part of besides) problems.add([part], `"${part}" stands in each source when there are "sources"`, { at: 'key' })
  for (const part of ['field', 'unit'] as const) {
    if (definition.time[part] !== undefined) problems.add(['time', part], `"time.${part}" stands in each source when there are "sources"`, { at: 'key' })
  }
  if (Object.keys(sources).length === 0) problems.add(['sources'], 'there is at least one source')
  if (definition.signals === undefined) problems.add([], '"signals" is missing: with "sources" it says what they are mapped onto')
  return Object.entries(sources).map(([name, { topic = name, interval, dedupe, ...rest }]) => ({
    name, topic, interval, dedupe, ...rest,
    place: placesIn(part => ['sources', name, part]),
  }))
}

function shortForm (definition: CheckedDefinition, problems: Problems): readonly LongSource[] {
  const { name, time } = definition
  const source = definition.source!
  const inside = (part: SourcePart) => part === 'contract' || source[part] !== undefined
  for (const part of ['key', 'interval', 'dedupe', 'normalise'] as const) {
    if (source[part] !== undefined && definition[part] !== undefined) problems.add([part], `"${part}" stands here and in "source": write it once`, { at: 'key' })
  }
  if (source.time !== undefined && (time.field !== undefined || time.unit !== undefined)) problems.add(['time', time.field === undefined ? 'unit' : 'field'], '"time" names its field here and in "source": write it once', { at: 'key' })
  const key = source.key ?? definition.key
  const field = source.time?.field ?? time.field
  if (key === undefined) problems.add([], '"key" is missing: the contract field that names the device')
  if (field === undefined) problems.add(['time'], '"time.field" is missing: the contract field that says when a reading was taken')
  if (key === undefined || field === undefined) return []
  return [{
    name,
    topic: source.topic ?? name,
    contract: source.contract,
    key,
    time: { field, unit: source.time?.unit ?? time.unit },
    interval: source.interval ?? definition.interval,
    dedupe: source.dedupe ?? definition.dedupe,
    normalise: source.normalise ?? definition.normalise ?? {},
    place: placesIn(part => inside(part) ? ['source', part] : [part]),
  }]
}

function placesIn (placeOf: (part: SourcePart) => Path): Readonly<Record<SourcePart, Path>> {
  return Object.fromEntries(parts.map(part => [part, placeOf(part)])) as Record<SourcePart, Path>
}
