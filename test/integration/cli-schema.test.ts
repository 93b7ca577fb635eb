import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import foreign from '@kafkajs/confluent-schema-registry'
import { Command, millrace } from '../kit/cli.ts'

const { SchemaRegistry, SchemaType } = foreign
const folder = mkdtempSync(join(tmpdir(), 'millrace-schema-'))
after(() => { rmSync(folder, { recursive: true, force: true }) })
mkdirSync(join(folder, 'data'))
const write = (name: string, text: string | object) => { writeFileSync(join(folder, name), typeof text === 'string' ? text : JSON.stringify(text)); return name }
const run = (...args: readonly string[]) => millrace(args, { cwd: folder })

const avro = (...fields: readonly object[]) => ({ type: 'record', name: 'Reading', namespace: 'rooms', fields: [{ name: 'room', type: 'string' }, { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }, ...fields] })
const celsius = { name: 'celsius', type: 'double' }
const one = avro(celsius)
const two = avro(celsius, { name: 'humid', type: ['null', 'double'], default: null })
const union = avro({ ...celsius, type: ['double', 'null'] })
const definition = write('rooms.yaml', `name: rooms
source: { contract: reading.avsc }
key: room
time: { field: at }
windows:
  minute: { tumbling: 1m, keep: { mean: { mean: celsius } } }
rules:
  warm:
    when: celsius > 25.0
  stuffy:
    window: minute
    when: mean > 22.0
`)

async function serving (...args: readonly string[]): Promise<{ readonly server: Command, readonly url: string }> {
  const server = new Command(['registry', '--port', '0', '--data', 'data', ...args], { cwd: folder })
  await server.said(/Ctrl-C/)
  return { server, url: /https?:\/\/\S+/.exec(server.stderr)![0] }
}

test('millrace registry and schema: register, check, list, types and diff, and what another team registers is told before it breaks a rule', async () => {
  write('reading.avsc', one)
  const { server, url } = await serving()
  try {
    const before = await run('schema', 'check', definition, '--registry', url, '--output', 'json')
    assert.deepEqual([before.status, JSON.parse(before.stdout)], [0, { contracts: [{ subject: 'rooms-value', part: 'source rooms', version: null, verdict: 'new', why: [] }], breaks: [] }])
    const registered = await run('schema', 'register', definition, '--registry', url)
    assert.deepEqual([registered.status, registered.stdout], [0, 'subject      of            id\nrooms-value  source rooms  1\n'], registered.stderr)
    assert.deepEqual(JSON.parse((await run('schema', 'ls', '--registry', url, '--output', 'json')).stdout), [{ subject: 'rooms-value', version: 1, id: 1, name: 'rooms.Reading' }])

    // A foreign client changes the type of what the rules read.
    const other = new SchemaRegistry({ host: url, retry: { retries: 0 } })
    await other.register({ type: SchemaType.AVRO, schema: JSON.stringify(two) }, { subject: 'rooms-value' })
    assert.equal((await run('check', definition, '--registry', url)).status, 0, 'a field that comes breaks nothing')
    await other.register({ type: SchemaType.AVRO, schema: JSON.stringify(union) }, { subject: 'rooms-value' })
    const check = await run('check', definition, '--registry', url)
    assert.equal(check.status, 1, check.stderr)
    assert.deepEqual(check.stdout.split('\n').filter(Boolean).map(line => line.split(': in ')[0]!.split(': the ')[0]), ['rooms.yaml:6:35 windows.minute.keep.mean', 'rooms.yaml:8:3 rules.warm', 'rooms.yaml:10:3 rules.stuffy'])
    assert.match(check.stdout, /in rooms-value@3 the field "celsius" cannot always be read \(celsius: the reader has double, the writer null\)/)
    const schema = await run('schema', 'check', definition, '--registry', url)
    assert.equal(schema.status, 1)
    assert.match(schema.stdout, /rooms-value +source rooms +3 +incompatible\n/)

    const diff = await run('schema', 'diff', 'rooms-value@1', 'rooms-value@latest', '--registry', url)
    assert.deepEqual([diff.status, diff.stdout.split('\n').slice(0, 3)], [0, ['field    first   second', 'celsius  double  double | null', 'not forward: celsius: the reader has double, the writer null']])
    assert.match(diff.stderr, /safe backward/)
    const types = await millrace(['schema', 'types', 'rooms-value@2'], { cwd: folder, env: { SCHEMA_REGISTRY_URL: url } })
    assert.match(types.stdout, /readonly humid: null \| number[\s\S]*subject: 'rooms-value',\n {2}version: 2,/)
    const missing = await run('schema', 'types', 'room-value@1', '--registry', url)
    assert.deepEqual([missing.status, /did you mean "rooms-value"\?/.test(missing.stderr)], [65, true], missing.stderr)

    write('reading.avsc', avro({ ...celsius, type: 'string' }))
    const refused = await run('schema', 'register', write('text.yaml', 'name: rooms\nsource: { contract: reading.avsc }\nkey: room\ntime: { field: at }\n'), '--registry', url)
    assert.deepEqual([refused.status, /does not go with an earlier version/.test(refused.stderr)], [78, true], refused.stderr)
  } finally {
    assert.equal((await server.interrupt()).status, 0)
  }
  const again = await serving()
  try {
    assert.deepEqual(JSON.parse((await run('schema', 'ls', 'rooms', '--registry', again.url, '--output', 'json')).stdout).map(({ version }: { readonly version: number }) => version), [3], 'a restart knows what was registered')
  } finally {
    await again.server.interrupt()
  }
  // Nobody serves any more: the folder itself answers, and a registry that is gone is told.
  assert.match((await run('schema', 'ls', '--data', 'data')).stdout, /rooms-value +3 +3 +rooms.Reading/)
  const gone = await millrace(['schema', 'ls', '--registry', again.url], { cwd: folder, env: { SCHEMA_REGISTRY_RETRIES: '0' } })
  assert.deepEqual([gone.status, /ECONNREFUSED/.test(gone.stderr)], [69, true], gone.stderr)
})

test('millrace registry: a port that is taken, a folder that is held and a wrong file of users are told', async () => {
  const { server, url } = await serving('--data', 'held')
  try {
    const taken = await run('registry', '--port', url.split(':').at(-1)!, '--data', 'other')
    assert.deepEqual([taken.status, /EADDRINUSE/.test(taken.stderr)], [69, true], taken.stderr)
    const held = await run('registry', '--port', '0', '--data', 'held')
    assert.deepEqual([held.status, /another process holds it/.test(held.stderr)], [69, true], held.stderr)
    const users = await run('registry', '--port', '0', '--users', write('users', 'ann\n'), '--data', 'third')
    assert.deepEqual([users.status, /user:password/.test(users.stderr)], [78, true], users.stderr)
  } finally {
    await server.interrupt()
  }
})
