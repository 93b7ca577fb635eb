import { compileDefinition } from '../pipelines/define/compile.ts'
import { loadDefinition } from '../pipelines/define/load.ts'
import { Outputs } from '../pipelines/core/outputs.ts'
import { Task } from '../pipelines/runtime/task.ts'
import { bestRate, report } from './kit.ts'
import { readingBatches } from './readings.ts'

/** Record batches in memory -> decode, normalise (two expressions), 1-minute windows over 10 k keys, two rules; one thread. */
const records = 2_000_000
const pipeline = compileDefinition(await loadDefinition(new URL('definitions/engine.yaml', import.meta.url).pathname))
const contract = pipeline.sources[0]!.contract
const batches = readingBatches({ records, keys: 10_000 })

function run (codegen = true): { windows: number, events: number, counted: number } {
  const compiled = codegen ? pipeline : plain
  const task = new Task(compiled.createStages({ leg: 'race', source: compiled.sources[0]!.name, topic: 'readings', partition: 0, mode: 'live', tables: new Map() }))
  const out = new Outputs()
  const seen = { windows: 0, events: 0, counted: 0 }
  let from = 0
  for (const bytes of batches) {
    const to = Math.min(records, from + 4096)
    task.load(bytes, from, to)
    for (let step = task.step(out, null); step !== 'end'; step = task.step(out, null)) {
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: contract }, out)
      for (const { rows } of out.windows) {
        seen.windows += rows.count
        const n = rows.columns[0]!.values as Float64Array
        for (let row = 0; row < rows.count; row += 1) seen.counted += n[row]!
      }
      seen.events += out.events.length
      out.clear()
    }
    from = to
  }
  task.drain(out)
  for (const { rows } of out.windows) for (let row = 0; row < rows.count; row += 1) seen.counted += (rows.columns[0]!.values as Float64Array)[row]!
  return seen
}
const plain = compileDefinition(await loadDefinition(new URL('definitions/engine.yaml', import.meta.url).pathname), { codegen: false })

const seen = run()
if (seen.counted !== records || run(false).events !== seen.events) throw new Error(`wrong result: ${JSON.stringify(seen)}`)
const rate = bestRate(() => { run(); return records }, { runs: 5, warmup: 1 })
report({ id: 'engine', what: 'decode, 2 expressions, 1-minute windows, 10 k keys, 2 rules', value: rate, unit: 'records/s', goal: '>= 3 M', met: rate >= 3e6 })
