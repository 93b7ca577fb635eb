import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { cassandraEnvironment as properties, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { lakePlan, prepareTables } from '../../connectors/cassandra/migrate.ts'
import { openSession } from '../../connectors/cassandra/session.ts'
import { lakeTables } from '../../connectors/cassandra/tables.ts'
import { makeCertificate } from '../../infra/local/certificate.ts'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'
import { noCassandra } from '../kit/cassandra.ts'

const skip = noCassandra ?? false
const canary = 'canary-4711'
const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'fleet', rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }], windows: [],
}
let stack: Stack
let folder: string
let server: Server | null = null

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'millrace-'))
  stack = await startStack({ kafka: false, registry: false, secure: true })
})
after(async () => {
  server?.close()
  await stack?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true })
})

const open = (more: Readonly<Record<string, string>> = {}) => openSession(cassandraSettings({ ...properties(stack.environment), ...more }))
const denied = (details: object, code = 'LAKE_DENIED') => (error: unknown) => {
  assert(error instanceof StreamError, String(error))
  assert.equal(error.code, code, error.message)
  assert.partialDeepStrictEqual(error.details, details)
  assert(!inspect(error, { depth: 9, showHidden: true }).includes(canary), 'no secret in an error')
  return true
}

test('a wrong password, and none, are told apart; the password is not repeated', { skip }, async () => {
  await assert.rejects(open({ password: canary }), denied({ why: 'user or password is wrong' }))
  const { username, password, ...rest } = properties(stack.environment)
  assert(username !== undefined && password !== undefined)
  await assert.rejects(openSession(cassandraSettings(rest)), denied({ why: 'it asks for a user and a password' }))
})

test('a certificate of an unknown authority is not trusted', { skip }, async () => {
  const other = join(folder, 'other.pem')
  writeFileSync(other, makeCertificate('another CA', null).cert)
  await assert.rejects(open({ 'ssl.ca.location': other }), denied({ why: 'its certificate is not trusted' }))
  const { 'ssl.ca.location': _, ...rest } = properties(stack.environment)
  await assert.rejects(openSession(cassandraSettings({ ...rest, ssl: 'true' })), denied({ why: 'its certificate is not trusted' }))
})

// The certificate is for localhost, 127.0.0.1 and ::1.
test('a certificate of another host is not taken, unless its name is said', { skip }, async () => {
  server = createServer(socket => {
    const there = connect(stack.cassandraPort!, '127.0.0.1')
    socket.pipe(there).pipe(socket)
    for (const end of [socket, there]) end.on('error', () => { socket.destroy(); there.destroy() })
  })
  await new Promise<void>(done => { server!.listen(0, '127.0.0.2', done) })
  const elsewhere = `127.0.0.2:${(server.address() as { readonly port: number }).port}`
  await assert.rejects(open({ 'contact.points': elsewhere }), denied({ why: 'its certificate is for another host' }))
  await assert.rejects(open({ 'contact.points': elsewhere, 'ssl.server.name': 'elsewhere' }), denied({ why: 'its certificate is for another host' }))
  await (await open({ 'contact.points': elsewhere, 'ssl.server.name': 'localhost' })).close()
})

test('a node that speaks TLS gives no answer to a client that does not', { skip }, async () => {
  const { 'ssl.ca.location': _, ...rest } = properties(stack.environment)
  await assert.rejects(openSession(cassandraSettings({ ...rest, 'connect.timeout.ms': '2000', 'request.timeout.ms': '2000' })), denied({}, 'LAKE_UNREACHABLE'))
})

test('a user without rights is told which one is missing; with the right ones the tables are made, over TLS', { skip }, async () => {
  const root = await open()
  await root.client.execute(`CREATE ROLE IF NOT EXISTS ann WITH PASSWORD = '${canary}' AND LOGIN = true`)
  await root.client.execute("CREATE KEYSPACE IF NOT EXISTS mine WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  const ann = await open({ username: 'ann', password: canary })
  await assert.rejects(prepareTables(ann, lakeTables({ ...layout, keyspace: 'hers' })), denied({ why: 'User ann has no CREATE permission on <all keyspaces> or any of its parents' }))
  await assert.rejects(prepareTables(ann, lakeTables({ ...layout, keyspace: 'mine' })), denied({ why: 'User ann has no CREATE permission on <all tables in mine> or any of its parents' }))
  for (const right of ['CREATE', 'ALTER', 'SELECT', 'MODIFY']) await root.client.execute(`GRANT ${right} ON KEYSPACE mine TO ann`)
  const tables = lakeTables({ ...layout, keyspace: 'mine' })
  // Rights are cached by the server for some seconds: a new user's are not.
  await root.client.execute(`CREATE ROLE IF NOT EXISTS ben WITH PASSWORD = '${canary}' AND LOGIN = true`)
  for (const right of ['CREATE', 'ALTER', 'SELECT', 'MODIFY']) await root.client.execute(`GRANT ${right} ON KEYSPACE mine TO ben`)
  const ben = await open({ username: 'ben', password: canary })
  await prepareTables(ben, tables)
  assert.deepEqual(await lakePlan(ben, tables), [])
  for (const session of [root, ann, ben]) await session.close()
})

//  the CA's file   good ──── broken ─── another's ──── good
//  Cassandra       ▇▇▇▇▇▇▇▁▁▇▇▇▇▇▇▇▇▇▁▁▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
//  new connections taken     taken       none          taken
test('certificates are read anew by every connection; while one is being replaced, what was there before is used', { skip, timeout: 240_000 }, async () => {
  const [caFile, other] = [join(folder, 'rotated.pem'), join(folder, 'stranger.pem')]
  const { 'ssl.ca.location': good } = properties(stack.environment)
  copyFileSync(good!, caFile)
  writeFileSync(other, makeCertificate('another CA', null).cert)
  const session = await open({ 'ssl.ca.location': caFile })
  const anew = async () => { await stack.cassandra!.kill('SIGKILL'); await stack.cassandra!.start() }
  const answers = () => session.execute('SELECT key FROM system.local').then(() => true, () => false)
  const until = async (is: boolean) => { for (const endMs = performance.now() + 60_000; await answers() !== is;) { assert(performance.now() < endMs, `answers ${!is} for a minute`); await new Promise(done => setTimeout(done, 200)) } }
  rmSync(caFile)
  await anew()
  await until(true)
  copyFileSync(other, caFile)
  await anew()
  for (const untilMs = performance.now() + 8_000; performance.now() < untilMs; await new Promise(done => setTimeout(done, 200))) assert.equal(await answers(), false, 'who is signed by another authority is not trusted any more')
  copyFileSync(good!, caFile)
  await until(true)
  await session.close()
})

// Identities are added before the Cassandra is told to log in by certificate: nobody could add one afterwards.
test('a certificate is a login of its own, without user and password; without one nobody gets in', { skip }, async () => {
  const root = await open()
  await root.client.execute("CREATE ROLE IF NOT EXISTS millrace WITH LOGIN = true")
  for (const name of ['millrace', 'admin']) await root.client.execute(`ADD IDENTITY IF NOT EXISTS 'spiffe://millrace/${name}' TO ROLE '${name === 'admin' ? 'cassandra' : name}'`)
  await root.close()
  await stack.cassandra!.stop()
  const config = join(stack.folder, 'cassandra/conf/cassandra.yaml')
  writeFileSync(config, readFileSync(config, 'utf8')
    .replace('authenticator: PasswordAuthenticator', 'authenticator: { class_name: MutualTlsAuthenticator, parameters: { validator_class_name: SpiffeCertificateValidator } }')
    .replace('optional: false', 'optional: false\n  require_client_auth: true'))
  await stack.cassandra!.start()
  const { username: _, password: __, ...rest } = properties(stack.environment)
  const { certFile, keyFile } = stack.secure!.certificates.millrace
  const session = await openSession(cassandraSettings({ ...rest, 'ssl.certificate.location': certFile, 'ssl.key.location': keyFile }))
  await assert.rejects(prepareTables(session, lakeTables({ ...layout, keyspace: 'theirs' })), denied({ why: 'User millrace has no CREATE permission on <all keyspaces> or any of its parents' }))
  await session.close()
  await assert.rejects(openSession(cassandraSettings(rest)), denied({}))
  const { certFile: guest, keyFile: guestKey } = stack.secure!.certificates.guest
  await assert.rejects(openSession(cassandraSettings({ ...rest, 'ssl.certificate.location': guest, 'ssl.key.location': guestKey })), denied({ why: 'it does not log this certificate in' }))
})
