import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionLake } from '../../../pipelines/cli/session-lake.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeReaderPort } from '../../../pipelines/core/lake-ports.ts'
import { ManualClock } from '../../kit/clock.ts'

const away = new StreamError('LAKE_UNREACHABLE', { host: 'a' })

test('the lake of a session: one that is away is looked for until it comes, and no more once it is closed', async () => {
  const clock = new ManualClock()
  let closed = 0
  const there = { close: async () => { closed += 1 } } as LakeReaderPort
  const answers: (LakeReaderPort | StreamError)[] = [away, away, there]
  let asked = 0
  const opened = async () => {
    asked += 1
    const answer = answers.shift() ?? away
    if (answer instanceof StreamError) throw answer
    return answer
  }
  const lake = new SessionLake(clock)
  await lake.open(opened)
  assert.deepEqual([asked, lake.reader], [1, null])
  for (const [many, reader] of [[2, null], [3, there], [3, there]] as const) {
    await clock.advance(5_000)
    assert.deepEqual([asked, lake.reader], [many, reader])
  }
  await lake.close()
  assert.deepEqual([closed, lake.reader], [1, null])
  await lake.open(opened)
  await lake.close()
  await clock.advance(60_000)
  assert.equal(asked, 4)
})

test('the lake of a session: what a person must mend is refused at once', async () => {
  const lake = new SessionLake()
  await assert.rejects(lake.open(async () => { throw new StreamError('LAKE_DENIED', { why: 'user or password is wrong' }) }), /LAKE_DENIED|user or password/)
  await lake.close()
})
