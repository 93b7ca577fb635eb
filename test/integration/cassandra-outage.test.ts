import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { cassandraEnvironment as variables } from '../../connectors/cassandra/config.ts'
import type { Stack } from '../../infra/local/stack.ts'
import { type Embedded, openEmbedded } from '../../pipelines/cli/embedded.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { standingOf } from '../../pipelines/cli/standing.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { cassandraKeyspace, noCassandra, ownCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { checkKilled } from './kill-check.ts'
import { haveReadAll } from './kill-drained.ts'
import { feed } from './kill-feed.ts'
import { definition, partitions } from './kill-pipeline.ts'

const skip = noCassandra ?? false
const awayMs = process.env.MILLRACE_SLOW === '1' ? 60_000 : 10_000
const wait = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })
async function until (what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 120_000; !await is(); await wait(50)) assert(performance.now() < endMs, `waited two minutes until ${what}`)
}

let stack: Promise<Stack> | null = null
test.after(async () => {
  await (await stack)?.stop()
  // Clients that were closed while Cassandra was away may have some seconds to wait yet.
  setTimeout(() => { process.exit() }, 5_000).unref()
})

/** A Cassandra to break, and an embedded log whose pipeline keeps its lake there. */
async function setUp (t: TestContext) {
  const { cassandra, environment: own } = await (stack ??= ownCassandra())
  const { environment, keyspace, client, finish } = await cassandraKeyspace(own)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-outage-'))
  const embedded = await openEmbedded(folder)
  const ending: (() => Promise<unknown>)[] = []
  t.after(async () => {
    // After a failure too: what still runs would keep the file from ever ending.
    for (const end of ending) await end().catch(() => {})
    await embedded.log.close()
    rmSync(folder, { recursive: true })
    await finish()
  })
  for (const name of ['killed.control', names.deadLetters('killed'), names.late('killed')]) await embedded.log.createTopic({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  const warnings: string[] = []
  const start = async () => {
    const engine = await Engine.start({
      definition: { ...definition, lake: { ...definition.lake!, keyspace } }, system: { ...embedded, cassandra: { ...variables(environment), 'request.timeout.ms': '2000' } },
      partitions, reset: () => false, onEvent: () => {}, onWarning: text => { warnings.push(text) }, timing: { snapshotEveryMs: 500, raceCommitEveryMs: 20, pondCommitEveryMs: 100 },
    })
    // The test must fail by what it looks at, not by a rejection that nobody has caught.
    engine.failed.catch(() => {})
    ending.push(() => engine.stop())
    return engine
  }
  const look = { rows: (table: string) => plainRows(client, `SELECT * FROM ${keyspace}.killed_${table}`), positions: () => plainRows(client, `SELECT * FROM ${keyspace}.millrace_offsets`) }
  const feeding = () => {
    const ended = new AbortController()
    const fed = feed(embedded, ended.signal, { pauseMs: 20 })
    const stop = async () => { ended.abort(); await fed }
    ending.unshift(stop)
    return stop
  }
  return { cassandra: cassandra!, embedded, warnings, start, feeding, look }
}

/** As `millrace status` sees it. */
const pondStanding = async ({ log }: Embedded) => (await standingOf(log, 'killed', Date.now())).legs.find(({ leg }) => leg === 'pond')!
const endOf = async ({ log }: Embedded) => (await log.range('killed.readings', 0)).end

for (const how of ['killed', 'halted'] as const) {
  //  Cassandra   ▇▇▇▇▇▇▇▁▁▁▁▁▁▁▁▇▇▇▇▇▇▇▇
  //  race        ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇     events go on
  //  pond        ▇▇▇▇▇▇▇  waits  ▇▇▇▇▇▇▇     nothing is lost, nothing piles up
  test(`Cassandra ${how} for ${awayMs / 1_000} s: the race goes on, the pond waits and says so, and then the lake is row-exact`, { skip }, async t => {
    const { cassandra, embedded, warnings, start, feeding, look } = await setUp(t)
    const engine = await start()
    const { race, pond, lake } = engine
    const stopFeeding = feeding()
    await until('rows are stored', () => pond!.status.stored.readings > 500)
    await cassandra.kill(how === 'killed' ? 'SIGKILL' : 'SIGSTOP')
    await until('the pond waits', () => pond!.status.health.trouble !== null)
    const { code, sinceMs } = pond!.status.health.trouble!
    assert.match(code, /^LAKE_UN/)
    assert(sinceMs <= Date.now())
    const [before, stored, kept] = [race!.committed.readings, pond!.status.stored.readings, await endOf(embedded)]
    await wait(awayMs)
    assert(race!.committed.readings > before && await endOf(embedded) > kept, 'the race goes on')
    assert.equal(pond!.status.stored.readings, stored)
    assert(lake!.pendingRows <= lake!.pendingRowsMax)
    assert(warnings.some(text => /waits for its lake/.test(text)), warnings.join('\n'))
    await until('how far behind it is shows', () => pond!.status.lag > 0)
    const seen = await pondStanding(embedded)
    assert.equal(seen.waits?.code, pond!.status.health.trouble!.code)
    assert(seen.waits.sinceMs === sinceMs && seen.waits.toldAt >= sinceMs, JSON.stringify(seen.waits))
    assert(seen.tasks.some(({ source, lagRecords, lagSeconds }) => source === 'fleet' && lagRecords > 0 && lagSeconds! > 0), JSON.stringify(seen.tasks))
    // Events go on, and wait in their topic.
    assert(seen.tasks.some(({ source, topic, lagRecords }) => source === null && topic === 'killed.control' && lagRecords > 0), JSON.stringify(seen.tasks))
    if (how === 'killed') await cassandra.start()
    else await cassandra.kill('SIGCONT')
    await until('the pond is back', () => pond!.status.health.trouble === null && pond!.status.stored.readings > stored)
    await until('status says so', async () => (await pondStanding(embedded)).waits === null)
    await stopFeeding()
    await until('everything is stored', () => haveReadAll(engine, embedded.log))
    await engine.stop()
    assert(warnings.some(text => /The lake is back after/.test(text)), warnings.join('\n'))
    t.diagnostic(JSON.stringify(await checkKilled(embedded.log, look)))
  })
}

//  Cassandra  ▁▁▁▁▁▁▁▁▁▁▇▇▇▇▇▇▇
//  process       ▇▇▇▇ ▇▇▇▇▇▇▇▇      started, stopped and started again without it
test('without Cassandra a pipeline starts, raises alerts and stops in time; what it did not store is stored when both are there', { skip }, async t => {
  const { cassandra, embedded, warnings, start, feeding, look } = await setUp(t)
  // Its tables are there from before.
  await (await start()).stop()
  await cassandra.kill('SIGKILL')
  const stopFeeding = feeding()
  const first = await start()
  await until('the race has read', () => first.race!.committed.readings > 500)
  assert.match(first.pond!.status.health.trouble!.code, /^LAKE_UN/)
  const stoppingMs = performance.now()
  await first.stop()
  assert(performance.now() - stoppingMs < 30_000, 'within the time to drain')
  assert(warnings.some(text => /stopped without its lake/.test(text)), warnings.join('\n'))
  const second = await start()
  await cassandra.start()
  await until('rows are stored', () => second.pond!.status.stored.readings > 500)
  await stopFeeding()
  await until('everything is stored', () => haveReadAll(second, embedded.log))
  await second.stop()
  t.diagnostic(JSON.stringify(await checkKilled(embedded.log, look)))
})
