import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { Again } from '../../../connectors/kafka/codes.ts'
import { Connection, type ConnectionSettings } from '../../../connectors/kafka/connection.ts'
import { array, encode, int16, int32, string, struct } from '../../../connectors/kafka/fields.ts'
import { heartbeat, listGroups } from '../../../connectors/kafka/group-requests.ts'

/** What a broker does with a request; `answer` sends a body under the request's correlation id. */
type Serve = (request: { readonly key: number, readonly correlationId: number, readonly body: Buffer }, answer: (body: Uint8Array, correlationId?: number) => void, socket: Socket) => void

const flexible = { version: 0, flexible: true }
const ranges = struct({ errorCode: int16, keys: array(struct({ key: int16, min: int16, max: int16 })), throttleTimeMs: int32 })
const versions = encode(ranges, { errorCode: 0, keys: [[12, 0, 4], [16, 0, 5], [17, 0, 1], [36, 0, 2], [18, 0, 4]].map(([key, min, max]) => ({ key: key!, min: min!, max: max! })), throttleTimeMs: 0 }, flexible)
const beat = (errorCode: number) => Buffer.concat([Buffer.of(0), encode(struct({ throttleTimeMs: int32, errorCode: int16 }), { throttleTimeMs: 0, errorCode }, flexible)])
const beating = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }

/** A broker that agrees on versions, and then does as it is told. */
async function withBroker (serve: Serve, settings: Partial<ConnectionSettings>, body: (connection: Connection) => Promise<void>): Promise<void> {
  const server = createServer(socket => {
    let held = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', bytes => {
      held = Buffer.concat([held, bytes])
      while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
        const frame = held.subarray(4, 4 + held.readInt32BE(0))
        held = held.subarray(4 + frame.length)
        const correlationId = frame.readInt32BE(4)
        const answer = (body: Uint8Array, id = correlationId) => {
          const head = Buffer.alloc(8)
          head.writeInt32BE(4 + body.length)
          head.writeInt32BE(id, 4)
          socket.write(Buffer.concat([head, body]))
        }
        if (frame.readInt16BE(0) === 18) answer(versions)
        else serve({ key: frame.readInt16BE(0), correlationId, body: frame.subarray(8) }, answer, socket)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  try {
    const connection = await Connection.open({ host: '127.0.0.1', port }, 'test', { connectTimeoutMs: 2_000, requestTimeoutMs: 2_000, ...settings })
    try { await body(connection) } finally { connection.close() }
  } finally {
    server.close()
  }
}

const again = (indefinite: boolean, says: RegExp) => (error: unknown) => {
  assert(error instanceof Again, String(error))
  assert.equal(error.indefinite, indefinite)
  assert.match(error.message, says)
  return true
}

test('requests of one connection go out without waiting for one another, and each gets its own answer', async () => {
  const held: (() => void)[] = []
  await withBroker((_, answer) => {
    const number = held.length
    held.push(() => { answer(beat(number)) })
    if (held.length === 3) for (const one of held) one()
  }, {}, async connection => {
    const answers = await Promise.all([0, 1, 2].map(() => connection.call(heartbeat, beating)))
    assert.deepEqual(answers.map(({ errorCode }) => errorCode), [0, 1, 2])
  })
})

test('what exceeds the bound of requests in flight waits, and goes out as answers come', async () => {
  let most = 0
  let open = 0
  await withBroker((_, answer) => {
    most = Math.max(most, ++open)
    setTimeout(() => { open -= 1; answer(beat(0)) }, 20)
  }, {}, async connection => {
    await Promise.all(Array.from({ length: 200 }, () => connection.call(heartbeat, beating)))
    assert.equal(most, 64)
  })
})

const ends: Readonly<Record<string, readonly [serve: Serve, says: RegExp]>> = {
  'a connection cut before the answer': [(_, __, socket) => { socket.destroy() }, /did not answer Heartbeat/],
  'a connection cut in mid-answer': [(_, __, socket) => { socket.end(Buffer.of(0, 0, 0, 20, 0, 0, 0, 1, 0)) }, /did not answer Heartbeat/],
  'an answer to another request': [({ correlationId }, answer) => { answer(beat(0), correlationId + 1) }, /an answer to request/],
  'an answer that is cut short': [(_, answer) => { answer(beat(0).subarray(0, 4)) }, /cannot be read: cut short/],
  'an answer with something left over': [(_, answer) => { answer(Buffer.concat([beat(0), beat(0)])) }, /cannot be read: .* left over/],
  'an answer of absurd size': [(_, __, socket) => { socket.write(Buffer.of(0x7f, 0xff, 0xff, 0xff, 0)) }, /a frame of 2147483647 bytes/],
  'no answer': [() => {}, /no answer to Heartbeat within 100 ms/],
}
for (const [what, [serve, says]] of Object.entries(ends)) {
  test(`${what} ends the connection, and leaves open what became of every request that was sent`, () => withBroker(serve, { requestTimeoutMs: 100 }, async connection => {
    const [first, second] = await Promise.allSettled([connection.call(heartbeat, beating), connection.call(heartbeat, beating)])
    again(true, says)((first as PromiseRejectedResult).reason)
    again(true, says)((second as PromiseRejectedResult).reason)
    assert.equal(connection.isOpen, false)
    await assert.rejects(connection.call(heartbeat, beating), again(false, /is not connected/))
  }))
}

test('a request that the broker has in no version we know is KAFKA_VERSION, and nothing is sent', () => withBroker(() => assert.fail('nothing is sent'), {}, async connection => {
  await assert.rejects(connection.call({ ...listGroups, min: 6, max: 7 }, { statesFilter: [] }), { code: 'KAFKA_VERSION' })
  assert(connection.isOpen)
}))

const authenticated = struct({ errorCode: int16, errorMessage: string, authBytes: string, sessionLifetimeHigh: int32, sessionLifetimeMs: int32 })
test('a session is renewed before it ends, while requests wait behind it', async () => {
  const asked: number[] = []
  await withBroker(({ key }, answer) => {
    asked.push(key)
    if (key === 17) answer(encode(struct({ errorCode: int16, mechanisms: array(string) }), { errorCode: 0, mechanisms: [] }, { version: 0, flexible: false }))
    else if (key === 36) answer(Buffer.concat([Buffer.of(0), encode(authenticated, { errorCode: 0, errorMessage: '', authBytes: '', sessionLifetimeHigh: 0, sessionLifetimeMs: 100 }, flexible)]))
    else answer(beat(0))
  }, { sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } }, async connection => {
    await connection.call(heartbeat, beating)
    await new Promise(resolve => { setTimeout(resolve, 100) })
    await Promise.all([connection.call(heartbeat, beating), connection.call(heartbeat, beating)])
    assert.deepEqual(asked, [17, 36, 12, 17, 36, 12, 12])
  })
})

test('a login that is refused says why, and not the password', async () => {
  const refusing = withBroker(({ key }, answer) => {
    if (key === 17) answer(encode(struct({ errorCode: int16, mechanisms: array(string) }), { errorCode: 0, mechanisms: [] }, { version: 0, flexible: false }))
    else answer(Buffer.concat([Buffer.of(0), encode(authenticated, { errorCode: 58, errorMessage: 'no such user', authBytes: '', sessionLifetimeHigh: 0, sessionLifetimeMs: 0 }, flexible)]))
  }, { sasl: { mechanism: 'PLAIN', username: 'u', password: 'canary' } }, async () => {})
  await assert.rejects(refusing, error => /SASL_AUTHENTICATION_FAILED: no such user/.test((error as Error).message) && !(error as Error).message.includes('canary'))
})

test('a host name is resolved whichever family it is of', async () => {
  const server = createServer(socket => { socket.destroy() })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  await assert.rejects(Connection.open({ host: 'localhost', port }, 'test', { connectTimeoutMs: 2_000, requestTimeoutMs: 2_000 }), /ended the connection|ECONNRESET|closed/)
  server.close()
})
