import { kafkaTarget } from '../../pipelines/cli/kafka.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { definePipeline } from '../../pipelines/define/public.ts'
import type { CheckedDefinition } from '../../pipelines/define/schema.ts'
import { contract } from '../../schemas/contract.ts'

/** A worker whose alerts may be read before they are committed; its parent kills it. Servers, registry, prefix and a folder are given. */
export const readingAvro = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'celsius', type: 'double' }] })

export const definition = definePipeline({
  name: 'express',
  source: { topic: 'readings', contract: contract<{ id: string, ts: number, celsius: number }>({ subject: 'readings-value', version: 1, schema: readingAvro }) },
  key: 'id',
  time: { field: 'ts' },
  rules: { hot: { when: 'celsius > 8.0' } },
  control: { topic: 'control', delivery: 'express' },
}) as CheckedDefinition

if (import.meta.main) {
  const [servers, registry, prefix, folder] = process.argv.slice(2) as [string, string, string, string]
  const target = kafkaTarget({ name: 'express', properties: { 'bootstrap.servers': servers, 'topic.prefix': prefix, 'session.timeout.ms': '6000' }, registry: { SCHEMA_REGISTRY_URL: registry }, variables: {}, keyspace: null, partitions: null })
  const engine = await Engine.start({ definition, system: await target.open(folder), partitions: null, member: 'worker', reset: () => false, onEvent: () => {} })
  process.stdout.write('ready\n')
  await engine.failed
}
