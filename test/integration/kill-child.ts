import { openEmbedded } from '../../pipelines/cli/embedded.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { definition, deviceAvro, partitions, readingAvro } from './kill-pipeline.ts'

/**
 * Both legs on the embedded log and lake, with a feeder that goes on where the log ends. Its parent kills it, or lets it run to the end
 * of what is in the log (`finish`).
 */
const [folder, mode] = process.argv.slice(2) as [string, 'feed' | 'finish']
const say = (line: string) => { process.stdout.write(`${line}\n`) }
const embedded = await openEmbedded(folder)
const { log, registry } = embedded
// Of one partition, so that the order of all outputs of a task can be held to the truth.
for (const name of ['killed.control', names.deadLetters('killed'), names.late('killed')]) {
  if (await log.topic(name) === null) await log.createTopic({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
}
const engine = await Engine.start({
  definition, system: embedded, partitions, reset: () => false, onEvent: () => {},
  timing: { snapshotEveryMs: 120, raceCommitEveryMs: 20, pondCommitEveryMs: 60, expireEveryMs: 1_000 },
})
engine.failed.catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
say('ready')
if (mode === 'feed') await feed()
else {
  for (let quiet = 0; quiet < 5; quiet = engine.behind === 0 ? quiet + 1 : 0) await new Promise(resolve => { setTimeout(resolve, 100) })
  await engine.stop()
  await log.close()
  say('finished')
}

async function feed (): Promise<void> {
  const text = new TextEncoder()
  const encode = createEncoder(readingAvro, await registry.register('killed.readings-value', readingAvro))
  const encodeDevice = createEncoder(deviceAvro, await registry.register('killed.devices-value', deviceAvro))
  for (let turn = 0; ; turn += 1) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const { end } = await log.range('killed.readings', partition)
      const writer = new RecordBatchWriter()
      for (let n = end; n < end + 40; n += 1) {
        const id = `d${partition}${n % 7}`
        const behind = n % 23 === 0 ? 400 : n % 11
        // Every 13th is sent twice, every 31st is from a clock far ahead, every 37th cannot be read.
        const value = encode({ id, ts: Date.now() + (n % 31 === 0 ? 60_000 : -behind), seq: n % 13 === 0 ? n - 1 : n, celsius: n % 17 === 0 ? null : 8 + 6 * Math.sin((n / 60) + (n % 7)) })
        writer.append(0, text.encode(id), n % 37 === 0 ? value.subarray(0, value.length - 3) : value)
      }
      await log.append('killed.readings', partition, writer.finish())
    }
    if (turn % 5 === 0) {
      const device = `d${turn % 2}${turn % 9}`
      const writer = new RecordBatchWriter()
      writer.append(0, text.encode(device), turn % 15 === 0 ? null : encodeDevice({ device, max: 6 + (turn % 4) }))
      await log.append('killed.devices', 0, writer.finish())
    }
    await new Promise(resolve => { setTimeout(resolve, turn % 40 === 39 ? 600 : 8) })
  }
}
