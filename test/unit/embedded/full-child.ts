import { machineClock } from '../../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../../connectors/embedded/log.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { batchOf } from '../../contract/log.ts'

/** Appends until the disk refuses, then says what can still be done, as JSON. Its parent limits the size of files. */
const log = await openEmbeddedLog({ folder: process.argv[2]!, clock: machineClock, maintainEveryMs: 0 })
await log.createTopic({ name: 'in', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
let appended = 0
let code = ''
while (code === '' && appended < 10_000) {
  try {
    await log.append('in', 0, batchOf([`${appended} ${'x'.repeat(10_000)}`]))
    appended += 1
  } catch (error) {
    code = error instanceof StreamError ? error.code : String(error)
  }
}
const { end } = await log.range('in', 0)
const { bytes } = await log.fetch({ topic: 'in', partition: 0, offset: end - 1, bytesMax: 1, waitMs: 0 })
process.stdout.write(JSON.stringify({ appended, code, end, readable: bytes.length > 0 }))
process.exit(0)
