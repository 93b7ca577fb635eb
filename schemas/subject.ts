/** How a subject gets its name, where nobody names it: from the topic, from the record's full name, or from both. */
export const subjectStrategies = ['TopicNameStrategy', 'RecordNameStrategy', 'TopicRecordNameStrategy'] as const
export type SubjectStrategy = typeof subjectStrategies[number]

/** The subject of a topic's values. A schema without a name has the topic's. */
export function subjectName (strategy: SubjectStrategy, topic: string, avro: string): string {
  const name = strategy === 'TopicNameStrategy' ? null : recordName(avro)
  if (name === null) return `${topic}-value`
  return strategy === 'RecordNameStrategy' ? name : `${topic}-${name}`
}

function recordName (avro: string): string | null {
  try {
    const { name, namespace } = JSON.parse(avro) as { readonly name?: unknown, readonly namespace?: unknown }
    if (typeof name !== 'string') return null
    return name.includes('.') || typeof namespace !== 'string' || namespace === '' ? name : `${namespace}.${name}`
  } catch {
    return null
  }
}
