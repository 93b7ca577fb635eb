import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cassandraEnvironment } from '../../connectors/cassandra/config.ts'
import { openLakeReader } from '../../connectors/duckdb/reader.ts'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { registryClient, registryConfig } from '../../connectors/registry/public.ts'
import { startStack } from '../../infra/local/stack.ts'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { spread, WorkerProcess } from '../kit/worker-process.ts'
import { randomOf } from '../sim/random.ts'
import { checkKilled, duckLook } from './kill-check.ts'
import { feed } from './kill-feed.ts'
import { partitions } from './kill-pipeline.ts'

const rounds = Number(process.env.ROUNDS ?? (process.env.MILLRACE_SLOW === '1' ? 100 : 8))
const program = new URL('kafka-kill-worker.ts', import.meta.url)
const hourMs = 3_600_000
const { sleep } = machineClock

for (const lake of ['embedded', 'Cassandra'] as const) {
  //  devices  ───────────────────── readings, one in a hundred poison ───────────────────────
  //  a        ▸ race and pond ... ✂ kill -9  ▸ an hour ahead ... ✂   ▸ an hour behind ...  ▸ to the end
  //  b        ▸ race ...   ✂ ▸ ...                                                       ✂
  test(`kafka: a pipeline with windows, rules, a table and a lake (${lake}), its two workers killed ${rounds} times on clocks an hour off, says everything once and in order`, { skip: noKafka ?? (lake === 'Cassandra' ? noCassandra : null) ?? false }, async t => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e6)
    t.diagnostic(`SEED=${seed}`)
    const random = randomOf(seed)
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-judge-'))
    const { log, prefix, finish } = await kafkaLog()
    const schemas = await startStack({ kafka: false, cassandra: false })
    const url = schemas.registry!.url
    const registry = registryClient({ ...registryConfig({ SCHEMA_REGISTRY_URL: url })!, clock: machineClock, cacheFolder: null })
    const cassandra = lake === 'Cassandra' ? await cassandraKeyspace() : null
    const workers = new Map<string, WorkerProcess>()
    const start = async (member: string) => {
      mkdirSync(join(folder, member), { recursive: true })
      const facts = { servers: await bootstrapServers(), prefix, registry: url, folder: join(folder, member), member, legs: member === 'a' ? ['race', 'pond'] : ['race'], cassandra: cassandra && cassandraEnvironment(cassandra.environment) }
      const worker = new WorkerProcess(program, [JSON.stringify(facts)], { MILLRACE_WALL_OFFSET_MS: String(random.pick([-hourMs, 0, hourMs])) })
      workers.set(member, worker)
      return worker
    }
    t.after(async () => {
      for (const worker of workers.values()) if (!worker.isOver) await worker.kill()
      await finish()
      await cassandra?.finish()
      await schemas.stop()
      rmSync(folder, { recursive: true })
    })
    const spec = { cleanup: 'delete', retentionMs: null } as const
    // Of one partition, so that the order of all outputs of a task can be held to the truth.
    for (const name of ['killed.control', names.deadLetters('killed'), names.late('killed')]) await log.createTopic({ ...spec, name, partitions: 1, timestamps: 'CreateTime' })
    await log.createTopic({ ...spec, name: 'killed.readings', partitions, timestamps: 'LogAppendTime' })
    await log.createTopic({ ...spec, name: 'killed.devices', partitions: 1, cleanup: 'compact', timestamps: 'LogAppendTime' })

    const stopFeeding = new AbortController()
    const feeding = feed({ log, registry }, stopFeeding.signal, { poison: true, pauseMs: 30 })
    const starts: number[] = []
    for (const member of ['a', 'b']) assert.notEqual(await (await start(member)).said(/^ready$/), null, workers.get(member)!.complaint)
    for (let round = 0; round < rounds; round += 1) {
      const member = random.pick(['a', 'b'])
      const killedMs = await workers.get(member)!.kill()
      assert.equal((await workers.get(member)!.ended).signal, 'SIGKILL', workers.get(member)!.complaint)
      const worker = await start(member)
      // Now and then while it restores, mostly while it runs.
      if (random.chance(0.25)) await sleep(random.whole(200, 1_200))
      else {
        const readyMs = await worker.said(/^ready$/)
        if (readyMs === null) assert.fail(worker.complaint)
        starts.push(readyMs - killedMs)
        await sleep(random.whole(50, 1_100))
      }
    }
    stopFeeding.abort()
    await feeding
    await workers.get('b')!.kill()
    const last = workers.get('a')!
    assert.notEqual(await last.said(/^ready$/), null, last.complaint)
    // What b had comes to a when the session of b is over.
    for (let partition = 0; partition < partitions; partition += 1) {
      const { end } = await log.range('killed.readings', partition)
      while ((await log.committed(names.group('killed', 'race'), 'killed.readings', partition))?.offset !== end) {
        assert(!last.isOver, last.complaint)
        await sleep(100)
      }
    }
    last.child.stdin!.write('finish\n')
    assert.notEqual(await last.said(/^finished$/), null, last.complaint)
    if (cassandra === null) {
      const reader = await openLakeReader(join(folder, 'a', 'lake.duckdb'))
      try {
        t.diagnostic(JSON.stringify(await checkKilled(log, duckLook(reader))))
      } finally {
        reader.close()
      }
    } else {
      const { client, keyspace } = cassandra
      t.diagnostic(JSON.stringify(await checkKilled(log, { rows: table => plainRows(client, `SELECT * FROM ${keyspace}.killed_${table}`), positions: () => plainRows(client, `SELECT * FROM ${keyspace}.millrace_offsets`) })))
      checkWriteTimes(await plainRows(client, `SELECT "partition", "offset", arrived_at, WRITETIME(source) AS written FROM ${keyspace}.killed_readings`))
    }
    t.diagnostic(`from kill -9 to reading: ${spread(starts)}`)
  })
}

/** By the log's clock, in the order of the log: no worker's clock has decided which of two rows of a key is the later one. */
function checkWriteTimes (rows: readonly LakeRow[]): void {
  for (let partition = 0; partition < partitions; partition += 1) {
    const mine = rows.filter(row => row.partition === partition).toSorted((a, b) => Number(a.offset) - Number(b.offset))
    mine.forEach(({ offset, arrived_at: arrivedAt, written }, at) => {
      assert(at === 0 || Number(mine[at - 1]!.written) <= Number(written), `${partition}/${offset} is written as of before the one ahead of it`)
      assert(Math.abs(Number(written) / 1_000 - Number(arrivedAt)) < hourMs / 10, `${partition}/${offset} arrived ${arrivedAt}, is written as of ${written}`)
    })
  }
}
