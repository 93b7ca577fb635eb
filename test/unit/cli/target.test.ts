import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { takeMemberName } from '../../../pipelines/cli/member-name.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { targetOf } from '../../../pipelines/cli/target.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-target-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })
const profiles = join(folder, 'millrace.profiles.yaml')
writeFileSync(profiles, 'site: { kafka: { bootstrap.servers: "profile:1", client.id: p }, topics: { partitions: 4 }, variables: { limit: 3 } }\nhere: { variables: { limit: 4 } }\n')

const write = (name: string, text: string) => { const file = join(folder, name); writeFileSync(file, text); return file }
const target = (options: object, environment: Readonly<Record<string, string>> = {}) => targetOf({ data: 'd', profiles, ...options }, { environment })

test('target: -X goes before the environment, that before the profile, that before the data folder', async () => {
  assert.equal((await target({})).kind, 'embedded')
  assert.match((await target({ profile: 'site' })).describe, /profile:1/)
  assert.match((await target({ profile: 'site' }, { KAFKA_BOOTSTRAP_SERVERS: 'env:2' })).describe, /env:2/)
  assert.match((await target({ profile: 'site', X: ['bootstrap.servers=x:3'] }, { KAFKA_BOOTSTRAP_SERVERS: 'env:2' })).describe, /x:3/)
})

test('target: a folder that is named is meant, and so is the profile embedded', async () => {
  const environment = { KAFKA_BOOTSTRAP_SERVERS: 'env:2' }
  assert.equal((await target({ isFolder: true }, environment)).kind, 'embedded')
  assert.equal((await target({ profile: 'embedded' }, environment)).kind, 'embedded')
  assert.equal((await target({ isFolder: true, profile: 'site' }, environment)).kind, 'kafka')
})

test('target: variables and partitions of a profile go with it, on the data folder too', async () => {
  const { variables, partitions } = await target({ profile: 'site' })
  assert.deepEqual([variables, partitions], [{ limit: 3 }, 4])
  const here = await target({ profile: 'here' })
  assert.deepEqual([here.kind, here.variables], ['embedded', { limit: 4 }])
})

test('target: a property that is none is told with the nearest one', async () => {
  await assert.rejects(target({ X: ['bootstrap.server=a:1'] }), /did you mean "bootstrap.servers"/)
  await assert.rejects(target({ X: ['bootstrap.servers'] }), /property=value/)
})

test('member name: the first place that no living process holds, so that one that comes back has its own again', () => {
  const places = join(folder, 'members')
  const first = takeMemberName(places)
  const second = takeMemberName(places)
  assert.deepEqual([first.name, second.name], [`${hostname()}-1`, `${hostname()}-2`])
  first.release()
  assert.equal(takeMemberName(places).name, `${hostname()}-1`)
  // A process that was killed leaves its file behind.
  writeFileSync(join(places, 'worker-2.pid'), '999999999')
  assert.equal(takeMemberName(places).name, `${hostname()}-2`)
})

test('the lake is in Cassandra where somebody named one: -X before the environment before the profile; on a data folder and on Kafka alike', async () => {
  const profiles = write('lakes.yaml', 'berlin: { lake: { contact.points: "b:9042", local.data.center: berlin, consistency: ONE, keyspace: fleet } }\nboth: { kafka: { bootstrap.servers: "k:1" }, lake: { contact.points: "b:9042", local.data.center: berlin } }\n')
  const target = await targetOf({ data: '.', profile: 'berlin', profiles, X: ['cassandra.keyspace=other'] }, { environment: { CASSANDRA_CONSISTENCY: 'TWO', CASSANDRA_KEYSPACE: 'third' } })
  assert.equal(target.kind, 'embedded')
  assert.deepEqual(target.cassandra, { 'contact.points': 'b:9042', 'local.data.center': 'berlin', 'consistency': 'TWO', 'keyspace': 'other' })
  assert.equal(target.keyspace, 'other')
  const kafka = await targetOf({ data: '.', profile: 'both', profiles }, { environment: {} })
  assert.equal(kafka.kind, 'kafka')
  assert.deepEqual(kafka.cassandra, { 'contact.points': 'b:9042', 'local.data.center': 'berlin' })
  assert.equal((await targetOf({ data: '.', isFolder: true }, { environment: { CASSANDRA_CONTACT_POINTS: 'c' } })).cassandra, null)
  assert.equal((await targetOf({ data: '.' }, { environment: { CASSANDRA_PASSWORD: 'somebody\'s' } })).cassandra, null)
})

test('properties of a Cassandra that nobody named, or that are not known, are refused', async () => {
  const refused = (details: object) => (error: unknown) => {
    assert(error instanceof StreamError && error.code === 'LAKE_CONFIG', String(error))
    assert.partialDeepStrictEqual(error.details, details)
    return true
  }
  await assert.rejects(targetOf({ data: '.', X: ['cassandra.consistency=ONE'] }, { environment: {} }), refused({ property: 'contact.points' }))
  const profiles = write('wrong.yaml', 'berlin: { lake: { contact.point: "b:9042" } }\n')
  await assert.rejects(targetOf({ data: '.', profile: 'berlin', profiles }, { environment: {} }), refused({ property: 'lake.contact.point', nearest: 'contact.points' }))
  await assert.rejects(targetOf({ data: '.', X: ['cassandra.contact.point=b'] }, { environment: {} }), /did you mean "cassandra.contact.points"/)
})
