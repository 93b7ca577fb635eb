import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { cassandraEnvironment, cassandraProperties, cassandraSettings } from '../../../connectors/cassandra/config.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-'))
after(() => { rmSync(folder, { recursive: true }) })
const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const least = { 'contact.points': 'a:9042', 'local.data.center': 'berlin' }
const refused = (details: Readonly<Record<string, unknown>>) => (error: unknown) => {
  assert(error instanceof StreamError)
  assert.equal(error.code, 'LAKE_CONFIG')
  for (const [key, value] of Object.entries(details)) assert.deepEqual(error.details[key], value, error.message)
  return true
}

test('cassandra settings have defaults, and several nodes, names and addresses alike', () => {
  assert.deepEqual(cassandraSettings({ ...least, 'contact.points': 'node-1.example.com, 10.0.0.1:9043,[::1]:9044,::1' }), {
    contactPoints: [{ host: 'node-1.example.com', port: 9042 }, { host: '10.0.0.1', port: 9043 }, { host: '::1', port: 9044 }, { host: '::1', port: 9042 }],
    localDataCenter: 'berlin', login: null, tls: null, consistency: 'LOCAL_QUORUM', replication: null, requestTimeoutMs: 12_000, connectTimeoutMs: 5_000, migrations: 'automatic',
  })
})

test('cassandra settings refuse what is not a property, and name the nearest one', () => {
  assert.throws(() => cassandraSettings({ ...least, 'contact.point': 'a' }), refused({ property: 'contact.point', nearest: 'contact.points' }))
  assert.throws(() => cassandraSettings({ 'contact.points': 'a' }), refused({ property: 'local.data.center', why: 'required' }))
})

test('cassandra settings refuse wrong values', () => {
  for (const bad of ['', 'a:', ':9042', 'a:b', 'a:99999', 'a,,', 'a b', '[a]:1', 'http://a:9042', 'me:secret@a:9042']) assert.throws(() => cassandraSettings({ ...least, 'contact.points': bad }), refused({ property: 'contact.points' }), bad)
  assert.throws(() => cassandraSettings({ ...least, 'request.timeout.ms': '12s' }), refused({ property: 'request.timeout.ms' }))
  assert.throws(() => cassandraSettings({ ...least, 'consistency': 'SOME' }), refused({ property: 'consistency' }))
  assert.throws(() => cassandraSettings({ ...least, 'keyspace': 'My-Keyspace' }), refused({ property: 'keyspace' }))
  assert.throws(() => cassandraSettings({ ...least, 'username': 'ann' }), refused({ property: 'password' }))
  assert.throws(() => cassandraSettings({ ...least, 'migrations': 'never' }), refused({ property: 'migrations' }))
  for (const bad of ['0', 'berlin', 'berlin:0', 'berlin:3;oslo:2', "o'slo:1"]) assert.throws(() => cassandraSettings({ ...least, replication: bad }), refused({ property: 'replication' }), bad)
})

test('copies are told as a number for the local data centre, or for each', () => {
  assert.deepEqual(cassandraSettings({ ...least, replication: '3' }).replication, { berlin: 3 })
  assert.deepEqual(cassandraSettings({ ...least, replication: 'berlin:3, oslo:2' }).replication, { berlin: 3, oslo: 2 })
  assert.equal(cassandraSettings({ ...least, consistency: 'local_one' }).consistency, 'LOCAL_ONE')
})

test('TLS is spoken as soon as anything of it is given; files that cannot be read are refused at once', () => {
  const ca = file('ca.pem', 'CA')
  assert.deepEqual(cassandraSettings({ ...least, 'ssl.ca.location': ca, 'ssl.server.name': 'cassandra' }).tls, { caFile: ca, serverName: 'cassandra' })
  assert.deepEqual(cassandraSettings({ ...least, ssl: 'true' }).tls, {})
  assert.equal(cassandraSettings({ ...least, ssl: 'false' }).tls, null)
  assert.throws(() => cassandraSettings({ ...least, 'ssl': 'false', 'ssl.ca.location': ca }), refused({ property: 'ssl' }))
  assert.throws(() => cassandraSettings({ ...least, 'ssl.certificate.location': ca }), refused({ property: 'ssl.key.location' }))
  assert.throws(() => cassandraSettings({ ...least, 'ssl.ca.location': join(folder, 'none') }), refused({ property: 'ssl.ca.location', why: 'ENOENT' }))
})

test('the environment gives properties, from files too, and passes over what is not ours', () => {
  const secret = file('password', 'from a file\n')
  assert.deepEqual(cassandraEnvironment({ CASSANDRA_CONTACT_POINTS: 'a', CASSANDRA_PASSWORD_FILE: secret, CASSANDRA_HOME: '/opt', PATH: '/bin' }), { 'contact.points': 'a', 'password': 'from a file' })
  assert.throws(() => cassandraEnvironment({ CASSANDRA_PASSWORD: 'x', CASSANDRA_PASSWORD_FILE: secret }), refused({ variable: 'CASSANDRA_PASSWORD' }))
  assert.throws(() => cassandraEnvironment({ CASSANDRA_PASSWORD_FILE: join(folder, 'none') }), refused({ property: 'CASSANDRA_PASSWORD_FILE', why: 'ENOENT' }))
})

test('no refusal repeats a secret, whatever else is wrong', () => {
  const secret = 'canary-77'
  for (const property of Object.keys(cassandraProperties)) {
    const given = { ...least, 'username': 'ann', 'password': secret, 'ssl.key.password': secret, [property]: property === 'username' ? '' : `@${secret} '` }
    assert.throws(() => cassandraSettings({ ...given, nothing: '' }), error => !inspect(error, { depth: 9 }).includes(secret))
    if (!/^(username|password|ssl.key.password|local.data.center|ssl.server.name|replication|ssl.*location)$/.test(property)) assert.throws(() => cassandraSettings(given), error => refused({ property })(error) && !inspect(error, { depth: 9 }).includes(secret), property)
  }
})

test('every property says what it means', () => {
  for (const [name, means] of Object.entries(cassandraProperties)) assert(means.length > 3, name)
})
