import { spawnSync } from 'node:child_process'
import { Session } from 'node:inspector/promises'
import { PerformanceObserver } from 'node:perf_hooks'
import { Outputs } from '../pipelines/core/outputs.ts'
import { compileDefinition } from '../pipelines/define/compile.ts'
import { loadDefinition } from '../pipelines/define/load.ts'
import { Task } from '../pipelines/runtime/task.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/**
 * What the hot path allocates: bench/engine.ts' pipeline, once warm, in a young generation so large that nothing is collected. The
 * growth of the heap is then everything that was allocated, to the byte; the sampling profiler says where.
 *
 * Three streams: readings alone (no window closes), windows closing, and windows closing with an alert for each of them. The same
 * readings come in record batches of 4,096 and of 512: with `bytes = batches * a + readings * b`, b is what a reading itself costs.
 */
const youngMiB = 512
if (!process.execArgv.some(flag => flag.includes('semi-space'))) {
  const flags = [`--max-semi-space-size=${youngMiB}`, `--min-semi-space-size=${youngMiB}`, '--expose-gc']
  process.exit(spawnSync(process.execPath, [...flags, import.meta.filename], { stdio: 'inherit' }).status ?? 1)
}

const keys = 10_000
const warmup = 256 * 4096
const measured = 2_000_000
const records = warmup + measured
const sizes = { large: 4096, small: 512 } as const
const base = await loadDefinition(new URL('definitions/engine.yaml', import.meta.url).pathname)

interface Stream { readonly name: string, readonly perSecond: number, readonly definition: typeof base }
interface Place { readonly place: string, readonly bytes: number }
interface Seen { readonly heapBytes: number, readonly bufferBytes: number, readonly collections: number, readonly batches: number, readonly windows: number, readonly events: number }

const { warm, ...withoutWarm } = base.rules
const quiet = { ...base, rules: withoutWarm }
const streams: readonly Stream[] = [
  { name: 'readings alone', perSecond: 1e6, definition: quiet },
  { name: 'windows closing', perSecond: 10_000, definition: quiet },
  { name: 'windows closing, an alert each', perSecond: 10_000, definition: { ...base, rules: { ...withoutWarm, warm: { ...warm!, when: 'mean > 0.0', clear: 'mean > 1.0' } } } },
]

let collections = 0
new PerformanceObserver(list => { collections += list.getEntries().length }).observe({ entryTypes: ['gc'] })

const cache = new Map<string, readonly Uint8Array[]>()
/** All readings of a stream, the warm-up's first; made once. */
function made (perSecond: number, perBatch: number): readonly Uint8Array[] {
  const name = `${perSecond}/${perBatch}`
  if (!cache.has(name)) cache.set(name, readingBatches({ records, keys, perSecond, perBatch }))
  return cache.get(name)!
}

/** A task that has seen the warm-up, and what is still to come. */
function prepare ({ perSecond, definition }: Stream, perBatch: number) {
  const pipeline = compileDefinition(definition)
  const task = new Task(pipeline.createStages({ leg: 'race', source: pipeline.sources[0]!.name, topic: 'readings', partition: 0, mode: 'live', tables: new Map() }))
  const out = new Outputs()
  const seen = { windows: 0, events: 0 }
  const play = (batches: readonly Uint8Array[], rows: number, first: number) => {
    for (let index = first; index < batches.length; index += 1) {
      task.load(batches[index]!, index * rows, Math.min((index + 1) * rows, records))
      for (let step = task.step(out, null); step !== 'end'; step = task.step(out, null)) {
        if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: pipeline.sources[0]!.contract }, out)
        for (const { rows: closed } of out.windows) seen.windows += closed.count
        seen.events += out.events.length
        out.clear()
      }
    }
  }
  // Small batches, so that what is called once a batch is compiled by the time it is measured.
  play(made(perSecond, sizes.small).slice(0, warmup / sizes.small), sizes.small, 0)
  seen.windows = seen.events = 0
  const batches = made(perSecond, perBatch)
  const first = warmup / perBatch
  return { run: () => { play(batches, perBatch, first) }, batches: batches.length - first, seen }
}

/** Heap growth without a collection, in a warm process. */
async function grow (stream: Stream, perBatch: number): Promise<Seen> {
  const { run, batches, seen } = prepare(stream, perBatch)
  globalThis.gc!()
  await settled()
  const before = process.memoryUsage()
  collections = 0
  run()
  const after = process.memoryUsage()
  await settled()
  return { heapBytes: after.heapUsed - before.heapUsed, bufferBytes: after.arrayBuffers - before.arrayBuffers, collections, batches, ...seen }
}

/** The same work under the sampling heap profiler: bytes by function, the most first. */
async function places (stream: Stream): Promise<readonly Place[]> {
  const { run } = prepare(stream, sizes.large)
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', { samplingInterval: 512, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true })
  run()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  const sums = new Map<string, number>()
  const visit = (node: typeof profile.head): void => {
    const { functionName, url, lineNumber } = node.callFrame
    const place = `${functionName || '(top)'} ${url.includes('/pipelines/') ? `${url.slice(url.indexOf('/pipelines/') + 1)}:${lineNumber + 1}` : url.includes('/bench/') ? '(bench)' : url || '(generated, or of the machine)'}`
    sums.set(place, (sums.get(place) ?? 0) + node.selfSize)
    node.children.forEach(visit)
  }
  visit(profile.head)
  return [...sums].map(([place, bytes]) => ({ place, bytes })).filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes)
}

/** Two turns: what the collector has to tell comes late. */
async function settled (): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(resolve => { setTimeout(resolve, 20) })
}

for (const stream of streams) {
  const large = await grow(stream, sizes.large)
  const small = await grow(stream, sizes.small)
  const { heapBytes, bufferBytes, batches, windows, events } = large
  if (large.collections + small.collections > 0) throw new Error('wrong result: something was collected, so the growth of the heap is not all that was allocated')
  const perBatch = (small.heapBytes - heapBytes) / (small.batches - batches)
  const perReading = (heapBytes - perBatch * batches) / measured
  const isQuiet = windows === 0
  report({ id: 'allocation', what: `${stream.name}: heap for a reading, its share of a batch left out`, value: perReading, unit: 'bytes', ...isQuiet && { goal: '< 1', met: perReading < 1 } })
  report({ id: 'allocation-batch', what: `${stream.name}: heap for a record batch`, value: perBatch, unit: 'bytes' })
  console.log(`  ${heapBytes} bytes of heap and ${bufferBytes} of buffers for ${measured} readings in ${batches} batches (${small.heapBytes} in ${small.batches}), ${windows} windows, ${events} events`)
  for (const { place, bytes } of (await places(stream)).slice(0, 12)) console.log(`    ${(bytes / 1024).toFixed(0).padStart(7)} KiB  ${place}`)
}
