import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { cassandraKeyspace, type CassandraUnderTest, noCassandra } from '../kit/cassandra.ts'
import { cells, runCell } from '../kit/notebook.ts'
import { blocksOf, PageFolder, statementsOf } from '../kit/page-commands.ts'

const page = 'lake-query.md'
const skip = noCassandra ?? false
const lake: CassandraUnderTest | null = noCassandra === null ? await cassandraKeyspace() : null
const folder = new PageFolder(lake?.environment ?? {})
after(async () => {
  folder.close()
  await lake?.finish()
})

const commands = blocksOf(page, 'sh').flatMap(block => block.trim().split('\n')).filter(line => !line.startsWith('curl ') && !line.includes(' lake serve '))

test(`every command of docs/${page} does what the page says, on Cassandra`, { skip }, async () => {
  for (const line of commands) {
    const { status, stdout, stderr } = await folder.run(line)
    assert.equal(status, 0, `${line}\n${stderr}`)
    if (/lake episodes/.test(line)) assert.deepEqual([...stdout.matchAll(/^truck-\d/gm)].map(([key]) => key).sort(), ['truck-2', 'truck-2', 'truck-7'], line)
    if (/--by site --from -7d$/.test(line)) assert.match(stdout, /Bergen .*\n.*Oslo .*\n.*Tromsø /, line)
    if (/lake alerts .*-7d$/.test(line)) assert.equal([...stdout.matchAll(/tooWarm/g)].length, 3, line)
  }
})

test(`every statement of docs/${page} runs in CQL as it stands, and answers the question`, { skip }, async () => {
  const { client, keyspace } = lake!
  const statements = blocksOf(page, 'cql').flatMap(statementsOf).map(cql => cql.replaceAll('depots.', `${keyspace}.`))
  assert(statements.length >= 6)
  const [byDay, ofTruck, keys, ...others] = statements
  // The days of the page are those of its writing: the week is that of today.
  const days = Array.from({ length: 8 }, (_, ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10))
  const found: string[] = []
  for (const day of days) for (const row of (await client.execute(byDay!.replace(/'\d{4}-\d\d-\d\d'/, `'${day}'`))).rows) found.push(`${row.key} ${row["labels['site']"] ?? row.labels_site ?? ''}`.slice(0, 7))
  assert.deepEqual(found.sort(), ['truck-2', 'truck-2', 'truck-7'])
  const months = [...new Set(days.map(day => day.slice(0, 7)))]
  const rows = await Promise.all(months.map(async month => (await client.execute(ofTruck!.replace(/'\d{4}-\d\d'/, `'${month}'`))).rows))
  assert.equal(rows.flat().length, 2)
  assert.equal((await client.execute(keys!)).rows.length, 9)
  for (const cql of others) await client.execute(cql)
})

test('the cell of docs/lake-notebook.md for the driver of Cassandra answers it', { skip }, async t => {
  const ran = await runCell(cells.find(({ needs }) => needs.includes('cassandra-driver'))!, { folder: folder.path, env: { ...lake!.environment } })
  if ('missing' in ran) { t.skip(ran.missing); return }
  assert.match(ran.said, /truck-2 of Tromsø at .*\ntruck-2 of Tromsø at .*\ntruck-7 of Bergen at .*\n20 minutes of truck-7 above 8 degrees/)
})
