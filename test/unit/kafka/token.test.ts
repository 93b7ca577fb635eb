import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LoginRefused } from '../../../connectors/kafka/codes.ts'
import { type TokenSource, tokenOf } from '../../../connectors/kafka/token.ts'

async function withEndpoint (answer: (body: string, response: ServerResponse) => void, body: (source: TokenSource) => Promise<void>): Promise<void> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += String(part)
    answer(text, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  try {
    await body({ kind: 'endpoint', url: `http://127.0.0.1:${port}/token`, clientId: 'id', clientSecret: 'canary', scope: 'kafka', ca: null })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a token of an endpoint is asked for with scope, and again when four fifths of its life are over', async () => {
  let asked = 0
  await withEndpoint((body, response) => {
    assert.equal(body, 'grant_type=client_credentials&scope=kafka')
    response.end(JSON.stringify({ access_token: `t${++asked}`, expires_in: asked === 1 ? 0.1 : 100 }))
  }, async source => {
    assert.equal(await tokenOf(source, 1_000), 't1')
    await new Promise(resolve => { setTimeout(resolve, 90) })
    assert.equal(await tokenOf(source, 1_000), 't2')
    assert.equal(await tokenOf(source, 1_000), 't2')
  })
})

test('a token file is read each time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-token-'))
  const source: TokenSource = { kind: 'file', file: join(folder, 'token') }
  writeFileSync(source.file, 'one\n')
  assert.equal(await tokenOf(source, 1_000), 'one')
  writeFileSync(source.file, 'two\n')
  assert.equal(await tokenOf(source, 1_000), 'two')
  rmSync(folder, { recursive: true })
})

const failures: Readonly<Record<string, readonly [answer: (body: string, response: ServerResponse) => void, isRefusal: boolean, says: RegExp]>> = {
  'that refuses the client': [(_, response) => { response.statusCode = 401; response.end('{}') }, true, /refuses the client: status 401/],
  'that fails': [(_, response) => { response.statusCode = 503; response.end() }, false, /status 503/],
  'that answers something else': [(_, response) => { response.end('<html>') }, false, /without an access_token/],
  'that answers without end': [(_, response) => { response.write('x'.repeat(1 << 20)) }, false, /more than 65536 bytes/],
  'that does not answer': [() => {}, false, /cannot be reached/],
}
for (const [what, [answer, isRefusal, says]] of Object.entries(failures)) {
  test(`an endpoint ${what} is told of without the secret`, () => withEndpoint(answer, source => assert.rejects(tokenOf(source, 200), error => {
    assert(error instanceof Error && says.test(error.message) && !error.message.includes('canary'), String(error))
    assert.equal(error instanceof LoginRefused, isRefusal)
    return true
  })))
}
