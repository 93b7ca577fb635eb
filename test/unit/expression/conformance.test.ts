import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { compileExpression, type ExpressionField } from '../../../pipelines/expression/compile.ts'
import { batchOf, results } from './rows.ts'

/**
 * The conformance tests of the CEL specification. Each is either equal, or skipped for one of the reasons below; which
 * ones are skipped is written down in conformance-skipped.json. A test that would pass must not be skipped.
 *
 * Source: google/cel-spec, as @bufbuild/cel-spec carries it
 */
interface Case { readonly suite: string, readonly name: string, readonly expr: string, readonly container: string, readonly value: Value | undefined, readonly error: boolean, readonly unchecked: boolean, readonly variables: readonly Variable[], readonly bindings: Readonly<Record<string, Value>> }
type Value = Readonly<Record<string, unknown>>
interface Variable { readonly name: string, readonly primitive: string }
interface Suite { readonly name: string, readonly suites?: readonly Suite[], readonly tests?: readonly { readonly original: unknown }[] }
interface Original {
  readonly name?: string, readonly expr: string, readonly container?: string, readonly value?: Value, readonly evalError?: unknown, readonly typedResult?: { readonly result?: Value }, readonly checkOnly?: boolean, readonly disableCheck?: boolean
  readonly typeEnv?: readonly { readonly name: string, readonly ident?: { readonly type?: { readonly primitive?: string } } }[], readonly bindings?: Readonly<Record<string, { readonly value?: Value }>>
}

const casesOf = (suite: Suite, path: readonly string[] = []): Case[] => [
  ...(suite.tests ?? []).map(({ original }) => caseOf(original as Original, path.join('/'))),
  ...(suite.suites ?? []).flatMap(inner => casesOf(inner, [...path, inner.name])),
]

function caseOf ({ name = '', expr, container = '', value, evalError, typedResult, checkOnly = false, disableCheck = false, typeEnv = [], bindings = {} }: Original, suite: string): Case {
  const wanted = value ?? typedResult?.result ?? (evalError === undefined && !checkOnly ? { boolValue: true } : undefined)
  return { suite, name, expr, container, value: wanted, error: evalError !== undefined, unchecked: disableCheck, variables: typeEnv.map(variable => ({ name: variable.name, primitive: variable.ident?.type?.primitive ?? '' })), bindings: Object.fromEntries(Object.entries(bindings).map(([key, bound]) => [key, bound.value ?? {}])) }
}

const kinds: Readonly<Record<string, ExpressionField['kind']>> = { INT64: 'number', UINT64: 'number', DOUBLE: 'number', STRING: 'text', BOOL: 'bool' }

function plainValue (value: Value | undefined): unknown {
  const [[kind, content] = []] = Object.entries(value ?? {})
  return kind === 'int64Value' || kind === 'uint64Value' || kind === 'doubleValue' ? Number(content) : kind === 'stringValue' || kind === 'boolValue' ? content : undefined
}

/** Why a test is not ours, the first that holds. */
const reasons: readonly (readonly [string, (given: Case) => boolean])[] = [
  ['messages, enums and wrappers', ({ suite, expr, container }) => container !== '' || /^(proto[23]|enums|wrappers|dynamic|fields|namespace)/.test(suite) || /google\.protobuf|TestAllTypes/.test(expr)],
  ['macros, bindings and optional values', ({ suite, expr }) => /^(macros|bindings_ext|block_ext|optionals)/.test(suite) || /\b(optional|cel)\.|\.(exists|all|map|filter|exists_one)\(|\bhas\(/.test(expr)],
  ['timestamps and durations: event time is a number', ({ suite, expr }) => /^timestamps/.test(suite) || /\b(timestamp|duration)\(/.test(expr)],
  ['bytes', ({ expr, value }) => /\b[bB][rR]?['"]|\bbytes\b/.test(expr) || value?.bytesValue !== undefined],
  ['types as values, dyn', ({ expr, value }) => /\b(type|dyn|uint)\(|_type\b/.test(expr) || value?.typeValue !== undefined],
  ['null: a missing value is unknown', ({ expr, value }) => /\bnull\b/.test(expr) || (value !== undefined && 'nullValue' in value)],
  ['lists and maps as values', ({ expr, value, variables, bindings }) => /[[{]/.test(expr) || value?.listValue !== undefined || value?.mapValue !== undefined || (variables.length > 0 && variables.every(({ primitive }) => primitive === '') && Object.keys(bindings).length > 0)],
  ['functions of the extensions that expressions do not have', ({ suite }) => /^(string_ext|encoders_ext|math_ext\/(bit|is))/.test(suite)],
  ['whole numbers beyond 2^53: numbers are doubles', ({ expr }) => /\d{16,}|5000000000/.test(expr)],
  ['whole-number division and signs: numbers are doubles', ({ suite, expr }) => /^integer_math/.test(suite) || /47\.5 %/.test(expr)],
  ['not a number or infinite is unknown', ({ expr, value }) => /0\.0 ?\/ ?0\.0|\/ 0\.0|e\+?30[78]/.test(expr) || (value !== undefined && !Number.isFinite(Number(value.doubleValue ?? 0)))],
  ['mixed kinds: refused when checked', ({ suite, unchecked, error }) => (/^(comparisons|logic|type_deductions|basic|plumbing|conversions|parse)/.test(suite) && (unchecked || error)) || /^parse\/receiver|^logic\/conditional|^logic\/(AND|OR)|^basic/.test(suite)],
  ['a number without a digit before its point: the parser does not read it', ({ expr }) => /(^|[^\d\w])\.\d/.test(expr)],
  ['checked only', ({ value, error }) => value === undefined && !error],
]

/** True where our result is the specification's: the value, or for an error unknown or a refusal. */
function agrees ({ expr, value, error, variables, bindings }: Case): boolean {
  const wanted = plainValue(value)
  if (wanted === undefined && !error) return false
  const fields = variables.flatMap(({ name, primitive }) => kinds[primitive] === undefined ? [] : [{ name, kind: kinds[primitive], unit: null, nullable: true }])
  const row = Object.fromEntries(Object.entries(bindings).map(([name, bound]) => [name, plainValue(bound) ?? null]))
  try {
    return [true, false].every(codegen => Object.is(results(compileExpression(expr, { fields, expect: 'any', codegen }), batchOf([row], fields))[0], error ? null : wanted))
  } catch (problem) {
    assert.ok(problem instanceof StreamError, `${expr}: ${problem}`)
    return false
  }
}

const cases = casesOf(tests as unknown as Suite)
const skippedFile = new URL('conformance-skipped.json', import.meta.url)

test('the conformance tests of CEL: every one equal or skipped for a reason that is written down', () => {
  const skipped: Record<string, Record<string, string[]>> = {}
  const wrong: string[] = []
  let equal = 0
  for (const given of cases) {
    if (agrees(given)) { equal += 1; continue }
    const reason = reasons.find(([, holds]) => holds(given))?.[0]
    if (reason === undefined) wrong.push(`${given.suite} ${given.name}: ${given.expr}`)
    else ((skipped[reason] ??= {})[given.suite] ??= []).push(given.name)
  }
  assert.deepEqual(wrong, [])
  const list = `${JSON.stringify(skipped, null, 1)}\n`
  if (process.env.MILLRACE_WRITE) writeFileSync(skippedFile, list)
  assert.deepEqual(JSON.parse(list), JSON.parse(readFileSync(skippedFile, 'utf8')), 'MILLRACE_WRITE=1 writes the list anew')
  const counts = Object.fromEntries(Object.entries(skipped).map(([reason, suites]) => [reason, Object.values(suites).flat().length]))
  assert.deepEqual({ cases: cases.length, equal, ...counts }, {
    'cases': 2344,
    'equal': 592,
    'messages, enums and wrappers': 729,
    'types as values, dyn': 239,
    'macros, bindings and optional values': 198,
    'lists and maps as values': 162,
    'bytes': 124,
    'functions of the extensions that expressions do not have': 97,
    'timestamps and durations: event time is a number': 87,
    'mixed kinds: refused when checked': 35,
    'whole numbers beyond 2^53: numbers are doubles': 34,
    'null: a missing value is unknown': 29,
    'not a number or infinite is unknown': 8,
    'whole-number division and signs: numbers are doubles': 6,
    'checked only': 3,
    'a number without a digit before its point: the parser does not read it': 1,
  })
})
