import * as z from 'zod'
import type { Contract } from '../../schemas/contract.ts'
import type { Duration } from '../core/time.ts'

/** Words that mean something in CEL, so no signal may have them as its name. */
const reserved = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while', '__proto__', 'constructor', 'prototype'])

export const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,99}$/, 'a pipeline\'s name is letters, digits, - and _, and begins with a letter')

/** Key of a record: a durable name that stands in the names of topics, tables and events. */
export function label (thing: string) {
  return z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,99}$/, `a ${thing}'s name is letters, digits, - and _, and begins with no digit`)
    .refine(text => text !== '__proto__', 'that word is reserved')
}

/** Key of a record: a name that CEL reads. */
export function identifier (thing: string) {
  return z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, `a ${thing}'s name is letters, digits and _, and begins with no digit`)
    .refine(text => !reserved.has(text), `that word is reserved, give the ${thing} another name`)
}

const durationText = z.templateLiteral([z.number(), z.enum(['ms', 's', 'm', 'h', 'd'])], { error: wrongDuration })
  .refine(text => /^\d{1,12}(ms|s|m|h|d)$/.test(text), { error: wrongDuration }).meta({ id: 'Duration', description: 'a whole amount and a unit: 500ms, 10s, 5m, 2h, 7d' })

function wrongDuration () { return 'a duration is a whole amount and a unit: 500ms, 10s, 5m, 2h, 7d' }

export function duration (): typeof durationText
export function duration (byDefault: Duration): z.ZodDefault<typeof durationText>
export function duration (byDefault?: Duration): typeof durationText | z.ZodDefault<typeof durationText> {
  return byDefault === undefined ? durationText : durationText.default(byDefault)
}

/** In TypeScript a contract object; in YAML the path of an .avsc file or `subject@version`, which the loader has replaced by then. */
export const contractSchema = z.custom<Contract<object>>(isContract, 'a contract is the path of an .avsc file or subject@version; in TypeScript, a value made by contract()')
  .meta({ id: 'Contract', description: 'the path of an .avsc file (from the definition\'s folder) or subject@version' })

function isContract (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { subject, version, schema } = value as Readonly<Record<string, unknown>>
  return typeof subject === 'string' && typeof version === 'number' && typeof schema === 'string'
}
