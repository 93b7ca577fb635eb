import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { secureContextOf } from '../../../connectors/cassandra/certificates.ts'
import { makeCertificate } from '../../../infra/local/certificate.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { tlsCaller } from '../../kit/tls-caller.ts'

test('certificates of Cassandra: each new connection takes what the files hold, and while one is replaced what they held before', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'))
  const authority = makeCertificate('authority', null)
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const caller = await tlsCaller(t, { server: makeCertificate('localhost', authority), authorities: [authority.cert] })
  const tls = { caFile: join(folder, 'ca'), certFile: join(folder, 'cert'), keyFile: join(folder, 'key') }
  assert.throws(() => secureContextOf(tls), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_CONFIG' && error.details.property === 'ssl.ca.location')
  const [first, second] = [makeCertificate('first', authority), makeCertificate('second', authority)]
  writeFileSync(tls.caFile, authority.cert)
  writeFileSync(tls.certFile, first.cert)
  writeFileSync(tls.keyFile, second.key)
  assert.throws(() => secureContextOf(tls), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_CONFIG' && error.details.property === 'ssl.key.location')
  writeFileSync(tls.keyFile, first.key)
  assert.equal(await caller(() => secureContextOf(tls)), 'first')
  writeFileSync(tls.certFile, second.cert)
  assert.equal(await caller(() => secureContextOf(tls)), 'first', 'the key does not fit yet')
  rmSync(tls.caFile)
  assert.equal(await caller(() => secureContextOf(tls)), 'first', 'there is no authority')
  writeFileSync(tls.caFile, authority.cert)
  writeFileSync(tls.keyFile, second.key)
  assert.equal(await caller(() => secureContextOf(tls)), 'second')
})
