import { parentPort, workerData } from 'node:worker_threads'
import { StreamError } from '../../pipelines/core/errors.ts'
import { type DatabaseOptions, LakeDatabase, lakeError } from './database.ts'
import type { Ask, FromDatabase, ToDatabase } from './messages.ts'
import { isReadAsk, OpenScans, type ReadAsk } from './thread-scans.ts'

/** The thread that holds the database: works off messages one by one, in order. */
const port = parentPort!
const options = workerData as DatabaseOptions
let epoch = 0
let failed: StreamError | null = null
let scans: OpenScans | null = null

const answer = (message: FromDatabase): void => { port.postMessage(message) }
const errorOf = (cause: unknown): StreamError => lakeError(cause, { file: options.file })
const fail = (id: number, cause: unknown): void => {
  const { code, details } = errorOf(cause)
  answer({ id, error: { code, details } })
}

async function work (database: LakeDatabase, message: ToDatabase): Promise<void> {
  switch (message.kind) {
    case 'block':
      await attempt(database, message.epoch, () => database.append(message.table, message.block))
      answer({ id: -1, buffer: message.block.buffer })
      return
    case 'json': await attempt(database, message.epoch, () => database.insert(message.sql, message.json)); return
    case 'commit':
      await attempt(database, message.epoch, () => database.commit(message.positions))
      if (message.epoch === epoch && failed === null) answer({ id: message.id })
      else fail(message.id, failed ?? new StreamError('LAKE_UNAVAILABLE', { why: 'discarded' }))
      return
    case 'discard':
      epoch = message.epoch
      failed = null
      await database.rollback()
      return
    case 'ask':
      try {
        if (isReadAsk(message.ask)) throw new Error('a reader does not wait in line')
        if (message.ask.what === 'close') await scans?.close()
        answer({ id: message.id, result: await ask(database, message.ask) })
      } catch (cause) {
        fail(message.id, cause)
      }
  }
}

async function attempt (database: LakeDatabase, of: number, step: () => Promise<void>): Promise<void> {
  if (of !== epoch || failed !== null) return
  try {
    await step()
  } catch (cause) {
    failed = errorOf(cause)
    // The transaction may be gone already; what matters is that nothing of it stays.
    await database.rollback().catch(() => {})
  }
}

function ask (database: LakeDatabase, question: Exclude<Ask, ReadAsk>): Promise<unknown> {
  switch (question.what) {
    case 'committed': return database.committed(question.topic, question.partition)
    case 'query': return database.query(question.sql)
    case 'expire': return database.expire(question.nowMs)
    case 'close': return database.close()
  }
}

try {
  const database = await LakeDatabase.open(options)
  const reading = scans = new OpenScans(() => database.connect())
  let last: Promise<void> = Promise.resolve()
  port.on('message', (message: ToDatabase) => {
    if (message.kind === 'ask' && isReadAsk(message.ask)) {
      reading.answer(message.ask).then(result => { answer({ id: message.id, result }) }, cause => { fail(message.id, cause) })
      return
    }
    last = last.then(() => work(database, message)).catch(cause => { failed = errorOf(cause) })
    if (message.kind === 'ask' && message.ask.what === 'close') void last.then(() => { port.close() })
  })
  answer({ id: 0 })
} catch (cause) {
  fail(0, cause)
  port.close()
}
