import assert from 'node:assert/strict'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { readBatchHeader } from '../../pipelines/core/record-batch.ts'
import { batchOf, valuesIn, valuesOf } from '../contract/log.ts'

const group = 'traffic'
const waitMs = 2_000
const progressMsMax = 60_000
const progressEveryMs = 50

/**
 * Three who use a log at once, whatever befalls its brokers: one appends to `in`, one waits there for what comes, and a member commits an output in `out`
 * with each offset of `in`, and begins anew when it has to.
 *
 * Errors: whatever does not pass by itself
 */
export class KafkaTraffic {
  readonly appended: string[] = []
  readonly read: string[] = []
  committed = 0
  memberships = 0
  readonly #log: LogPort
  readonly #working: Promise<unknown>
  #running = true

  constructor (log: LogPort) {
    this.#log = log
    this.#working = Promise.all([this.#append(), this.#read(), this.#commit()])
    this.#working.catch(() => {})
  }

  /** Until each of the three has come on. */
  async progress (steps: number): Promise<void> {
    const [appended, read, committed] = [this.appended.length, this.read.length, this.committed]
    const came = () => this.appended.length >= appended + steps && this.read.length >= read + steps && this.committed >= committed + steps
    for (let waitedMs = 0; !came(); waitedMs += progressEveryMs) {
      assert(waitedMs < progressMsMax, `stands still: ${JSON.stringify({ appended, read, committed })}, now ${JSON.stringify([this.appended.length, this.read.length, this.committed])}`)
      await Promise.race([machineClock.sleep(progressEveryMs), this.#working])
    }
  }

  /** No more, and everything is there once and in order. */
  async rest (): Promise<void> {
    this.#running = false
    await this.#working
    assert.deepEqual(await valuesIn(this.#log, 'in', 0), this.appended)
    assert.deepEqual(this.read, this.appended)
    const { offset } = (await this.#log.committed(group, 'in', 0))!
    assert(offset >= this.committed, `${offset} is committed, ${this.committed} was acknowledged`)
    assert.deepEqual(await valuesIn(this.#log, 'out', 0), Array.from({ length: offset }, (_, at) => `${at}`))
  }

  async #append (): Promise<void> {
    for (let number = 0; this.#running; number += 1) {
      // Its numbers let brokers drop what they have, so that it may be asked for until it is there.
      await this.#log.append('in', 0, batchOf([`${number}`]))
      this.appended.push(`${number}`)
    }
  }

  async #read (): Promise<void> {
    for (let offset = 0; this.#running || this.read.length < this.appended.length;) {
      const bytes = await passing(async () => (await this.#log.fetch({ topic: 'in', partition: 0, offset, bytesMax: 1 << 16, waitMs })).bytes)
      if (bytes === null) continue
      this.read.push(...valuesOf(bytes))
      for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) offset = header.baseOffset + header.lastOffsetDelta + 1
    }
  }

  async #commit (): Promise<void> {
    while (this.#running) await passing(async () => {
      const member = await this.#log.join({ group, member: 'm', topics: ['in'] })
      this.memberships += 1
      for (let at = (await this.#log.committed(group, 'in', 0))?.offset ?? 0; this.#running; at += 1) {
        await member.commit({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([`${at}`]) }], offsets: [{ topic: 'in', partition: 0, offset: at + 1, metadata: '' }] })
        this.committed = at + 1
      }
      await member.leave()
    })
  }
}

/** Null when it failed in a way that passes. */
async function passing<T> (step: () => Promise<T>): Promise<T | null> {
  try {
    return await step()
  } catch (error) {
    assert(error instanceof StreamError && error.action === 'retry', String(error))
    return null
  }
}
