import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors, types } from 'cassandra-driver'
import { failureOf, lakeError } from '../../../connectors/cassandra/errors.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'

const codes = types.responseErrorCodes
const answered = (code: number, message: string) => new errors.ResponseError(code, message)
const nodeError = (code: string) => Object.assign(new Error(code), { code })

const cases: readonly [what: string, error: unknown, outcome: string, code: string][] = [
  ['a write that timed out may have been carried out', answered(codes.writeTimeout, 'Server timeout during write query'), 'unknown', 'LAKE_UNAVAILABLE'],
  ['no answer in time leaves it open too', new errors.OperationTimedOutError('The host did not reply before timeout 12000 ms', '10.0.0.1:9042'), 'unknown', 'LAKE_UNAVAILABLE'],
  ['an overloaded node refuses for the moment', answered(codes.overloaded, 'Request breached limit'), 'busy', 'LAKE_UNAVAILABLE'],
  ['too few copies are up', answered(codes.unavailableException, 'Cannot achieve consistency level LOCAL_QUORUM'), 'unavailable', 'LAKE_UNAVAILABLE'],
  ['a batch beyond the limit', answered(codes.invalid, 'Batch too large'), 'large', 'LAKE_ROW_REFUSED'],
  ['a mutation beyond the commit log', answered(codes.invalid, 'Rejected an oversized mutation (17000000/16777216) for keyspace: fleet.'), 'large', 'LAKE_ROW_REFUSED'],
  ['a key beyond 64 KiB', answered(codes.invalid, 'Key length of 70000 is longer than maximum of 65535'), 'large', 'LAKE_ROW_REFUSED'],
  ['a column that is not there', answered(codes.invalid, 'Undefined column name celsius'), 'refused', 'LAKE_REFUSED'],
  ['a missing right', answered(codes.unauthorized, 'User ann has no CREATE permission'), 'denied', 'LAKE_DENIED'],
  ['a server that fails', answered(codes.serverError, 'java.lang.RuntimeException'), 'unknown', 'LAKE_UNAVAILABLE'],
  ['a wrong password at every node', new errors.NoHostAvailableError({ 'a:9042': new errors.AuthenticationError('Provided username ann and/or password are incorrect') }), 'denied', 'LAKE_DENIED'],
  ['nobody there', new errors.NoHostAvailableError({ 'a:9042': nodeError('ECONNREFUSED') }), 'unreachable', 'LAKE_UNREACHABLE'],
  ['no name that leads anywhere', new errors.NoHostAvailableError({}, 'No host could be resolved'), 'unreachable', 'LAKE_UNREACHABLE'],
  ['a certificate of an unknown authority, beside a node that is down', new errors.NoHostAvailableError({ 'a:9042': nodeError('ECONNREFUSED'), 'b:9042': nodeError('UNABLE_TO_VERIFY_LEAF_SIGNATURE') }), 'denied', 'LAKE_DENIED'],
  ['a certificate of another host', nodeError('ERR_TLS_CERT_ALTNAME_INVALID'), 'denied', 'LAKE_DENIED'],
  ['a socket that breaks', nodeError('ECONNRESET'), 'unreachable', 'LAKE_UNREACHABLE'],
]

// The driver's summary repeats every node's error with its stack: the one that decided stands behind ours.
const causes = new Map(cases.flatMap(([, error]): [unknown, unknown][] => error instanceof errors.NoHostAvailableError ? [[error, Object.values(error.innerErrors as Record<string, Error>).at(-1)]] : []))

for (const [what, error, outcome, code] of cases) {
  test(`cassandra errors: ${what}`, () => {
    assert.equal(failureOf(error).outcome, outcome)
    const told = lakeError(error, { table: 't' })
    assert.equal(told.code, code)
    assert.equal(told.cause, causes.get(error) ?? error)
    assert.match(told.message, /table="t"/)
  })
}

test('no login, where one is asked for, is told apart from a wrong one', () => {
  const why = (message: string) => failureOf(new errors.AuthenticationError(message)).details.why
  assert.equal(why('Host 10.0.0.1:9042 requires authentication, but no authenticator found in the options'), 'it asks for a user and a password')
  assert.equal(why('Provided username ann and/or password are incorrect'), 'user or password is wrong')
})

test('an error of ours stays as it is', () => {
  const ours = new StreamError('LAKE_CONFIG', { property: 'x' })
  assert.equal(lakeError(ours), ours)
})
