import * as z from 'zod'
import { nearest } from '../core/nearest.ts'
import { refusePlanned } from './planned.ts'
import { type Path, Problems } from './problem.ts'
import { withoutMisshapen } from './repaired.ts'
import { type CheckedDefinition, definitionSchema } from './schema.ts'

type Issue = z.core.$ZodIssue

/** `definition` is null when problems were found; `rest` is then what can be checked further in the same go. */
export interface Written { readonly definition: CheckedDefinition | null, readonly rest: CheckedDefinition | null }

/** Hold what a user wrote against the schema: its shape, words and values, with defaults filled in. */
export function checkWritten (raw: unknown, problems: Problems): Written {
  const found = new Problems()
  const definition = checkShape(raw, found)
  problems.list.push(...found.list)
  const left = definition === null ? withoutMisshapen(raw, found.list) : null
  return { definition, rest: left === null ? definition : checkShape(left, new Problems()) }
}

function checkShape (raw: unknown, problems: Problems): CheckedDefinition | null {
  const planned = refusePlanned(raw, problems)
  const parsed = definitionSchema.safeParse(raw)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) tell({ issue, raw, planned, problems, above: [] })
  }
  return parsed.success && problems.list.length === 0 ? parsed.data : null
}

interface Telling { readonly issue: Issue, readonly raw: unknown, readonly planned: ReadonlySet<string>, readonly problems: Problems, readonly above: Path }

function tell ({ issue, raw, planned, problems, above }: Telling): void {
  const path: Path = [...above, ...issue.path as (string | number)[]]
  // Next to a planned word everything else about its place is noise.
  if ([...planned].some(place => place === path.join('.') || place.slice(0, place.lastIndexOf('.')) === path.join('.')) && issue.code !== 'unrecognized_keys') return
  const given = valueAt(raw, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const word of issue.keys) {
        if (planned.has([...path, word].join('.'))) continue
        const words = wordsAt(path)
        problems.add([...path, word], `there is no "${word}" here, only ${words.join(', ')}`, { at: 'key', nearest: nearest(word, words) })
      }
      return
    case 'invalid_key':
      problems.add(path, issue.issues[0]?.message ?? 'that name cannot be used', { at: 'key' })
      return
    case 'invalid_union': {
      const branch = bestBranch(issue.errors)
      if (branch === null) problems.add(path, given === undefined ? missing(path) : unionText(issue.errors), { nearest: typeof given === 'string' ? nearest(given, literalsOf(issue.errors)) : null })
      else for (const inner of branch) tell({ issue: inner, raw, planned, problems, above: path })
      return
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      problems.add(path, given === undefined ? missing(path) : `${shown(given)} is not one of ${values.join(', ')}`, { nearest: typeof given === 'string' ? nearest(given, values) : null })
      return
    }
    default:
      problems.add(path, given === undefined && path.length > 0 ? missing(path) : messageOf(issue, given))
  }
}

const missing = (path: Path) => `"${path.at(-1)}" is missing`

function messageOf (issue: Issue, given: unknown): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) return `${article(issue.expected)} is wanted here, not ${shown(given)}`
  return issue.message
}

/** A given value for a message, cut short. */
function shown (given: unknown): string {
  if (typeof given === 'bigint' || typeof given === 'symbol' || typeof given === 'function') return `a ${typeof given}`
  if (typeof given === 'object' && given !== null) return Array.isArray(given) ? 'a list' : 'a mapping'
  const text = typeof given === 'number' ? String(given) : JSON.stringify(given) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

function article (expected: string): string {
  const word = { record: 'mapping of names', object: 'mapping of names', array: 'list', tuple: 'list', int: 'whole number', string: 'text' }[expected] ?? expected
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`
}

/** The branch of a union that the user meant: the one whose own type fits; null when none does. */
function bestBranch (branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter(issues => !issues.some(({ path, code }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')))
  return fitting.toSorted((a, b) => a.length - b.length)[0] ?? null
}

function unionText (branches: readonly (readonly Issue[])[]): string {
  const wanted = branches.flatMap(issues => issues.flatMap(issue => issue.code === 'invalid_value' ? issue.values.map(value => JSON.stringify(value)) : issue.code === 'invalid_type' ? [article(issue.expected)] : []))
  return `${[...new Set(wanted)].join(' or ')} is wanted here`
}

const literalsOf = (branches: readonly (readonly Issue[])[]) => branches.flatMap(issues => issues.flatMap(issue => issue.code === 'invalid_value' ? issue.values.map(String) : []))

function valueAt (raw: unknown, path: Path): unknown {
  let value = raw
  for (const part of path) value = typeof value === 'object' && value !== null ? (value as Readonly<Record<string | number, unknown>>)[part] : undefined
  return value
}

/** The words that may stand at a place, read off the schema. */
export function wordsAt (path: Path): readonly string[] {
  let schemas: readonly z.core.$ZodType[] = [definitionSchema]
  for (const part of path) schemas = schemas.flatMap(unwrapped).flatMap(schema => step(schema, part))
  return schemas.flatMap(unwrapped).flatMap(schema => schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])
}

function step (schema: z.core.$ZodType, part: string | number): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.shape, part) ? [schema.shape[part] as z.core.$ZodType] : []
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.core.$ZodType]
  if (schema instanceof z.ZodArray) return [schema.element as z.core.$ZodType]
  return []
}

function unwrapped (schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return unwrapped(schema.unwrap() as z.core.$ZodType)
  if (schema instanceof z.ZodUnion) return (schema.options as readonly z.core.$ZodType[]).flatMap(unwrapped)
  return [schema]
}
