import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { crashPoints } from '../kit/crash-points.ts'
import { EosJudge } from '../kit/eos-judge.ts'
import { eosPartitions, eosPipeline, eosTopics } from '../kit/eos-pipeline.ts'
import { spread, WorkerProcess } from '../kit/worker-process.ts'
import { type Random, randomOf } from '../sim/random.ts'

const skip = await lacking({ cassandra: false }) ?? false
const slow = process.env.MILLRACE_SLOW === '1'
const rounds = Number(process.env.ROUNDS ?? (slow ? 200 : 25))
const program = new URL('../kit/eos-worker.ts', import.meta.url)
const { sleep } = machineClock

interface Trial { readonly stack: Stack, readonly judge: EosJudge, readonly random: Random, readonly start: (member: string, crashAt?: string) => WorkerProcess }

/** A cluster, Kafka's own judge, and workers of a race whose group it knows; at the end everything that was read is there once, or the judge says what is wrong. */
async function judged (t: TestContext, nodes: 1 | 3, body: (trial: Trial) => Promise<void>): Promise<void> {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  t.diagnostic(`SEED=${seed}`)
  const stack = await startStack({ nodes, cassandra: false, registry: false })
  const workers: WorkerProcess[] = []
  const judge = await EosJudge.on(stack.bootstrapServers)
  const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers }), clock: machineClock })
  const start = (member: string, crashAt?: string) => {
    const worker = new WorkerProcess(program, [stack.bootstrapServers, member], crashAt === undefined ? {} : { MILLRACE_CRASH_AT: crashAt })
    workers.push(worker)
    return worker
  }
  try {
    await createTopics(log)
    judge.write()
    await body({ stack, judge, random: randomOf(seed), start })
    await judge.rest()
    const last = start('a')
    await caughtUp(log, last)
    await last.kill('SIGTERM')
    const verdict = await judge.verdict()
    t.diagnostic(verdict.split('\n').filter(line => /processed|ALL-RECORDS/.test(line)).join(' '))
    assert.match(verdict, /ALL-RECORDS-DELIVERED/, `SEED=${seed}\n${verdict}`)
  } finally {
    for (const worker of workers) if (!worker.isOver) await worker.kill()
    await judge.close()
    await log.close()
    await stack.stop()
  }
}

async function createTopics (log: LogPort): Promise<void> {
  const spec = { cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' } as const
  for (const name of eosTopics) await log.createTopic({ ...spec, name, partitions: eosPartitions })
  for (const name of [names.deadLetters(eosPipeline.name), names.late(eosPipeline.name)]) await log.createTopic({ ...spec, name, partitions: 1 })
}

/** All that is in the log is committed. */
async function caughtUp (log: LogPort, worker: WorkerProcess): Promise<void> {
  for (let partition = 0; partition < eosPartitions; partition += 1) {
    const { end } = await log.range('data', partition)
    while ((await log.committed('EosTest', 'data', partition))?.offset !== end) {
      assert(!worker.isOver, worker.complaint)
      await sleep(50)
    }
  }
}

/** Reached by a worker that is alone, runs, and is not asked to stop. */
const lonely = crashPoints.filter(point => !/^(takeover|tick|schema|release|drain|leave)\./.test(point))

//  worker  ▸ restore ▸ commits ... ✂ kill -9   ▸ restore ▸ commits ... ✂ at a point of the list   ▸ ...
test(`judges/eos: a worker killed ${rounds} times, in mid-transaction and at every labelled point, delivers every record exactly once`, { skip }, async t => {
  await judged(t, 1, async ({ random, start }) => {
    const resumes: number[] = []
    const died = new Map<string, number>()
    let killedMs: number | null = null
    for (let round = 0; round < rounds; round += 1) {
      const point = round % 2 === 0 ? undefined : lonely[Math.floor(round / 2) % lonely.length]
      const worker = start('a', point === undefined ? undefined : `${point}#${random.whole(1, 6)}`)
      const committedMs = await worker.said(/^committed$/)
      if (committedMs !== null && killedMs !== null) resumes.push(committedMs - killedMs)
      await Promise.race([worker.ended, sleep(random.whole(0, 900))])
      if (worker.isOver && point !== undefined) died.set(point, (died.get(point) ?? 0) + 1)
      killedMs = await worker.kill()
      const { signal } = await worker.ended
      assert.equal(signal, 'SIGKILL', worker.complaint)
    }
    t.diagnostic(`from the death of one to the first commit of the next: ${spread(resumes)}`)
    t.diagnostic(`died at: ${[...died].map(([point, times]) => `${point} ${times}`).join(', ')}`)
  })
})
