import type { LakeReaderPort } from '../../../core/lake-ports.ts'
import { nearest } from '../../../core/nearest.ts'
import type { Sheet } from '../sheet.ts'
import { Problem } from './problem.ts'

/** The part of JSON Schema that parameters and rows need. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A parameter as OpenAPI lists it, as a request is checked by it, and as the page of documentation tells it. */
export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly says: string
  readonly schema: JsonSchema
  /** May be given again. */
  readonly many?: true
  readonly required?: true
  /** Taken where it is not given. */
  readonly fallback?: string
  readonly example?: string
}

export interface RouteAsking { readonly nowMs: number, readonly abort: AbortSignal }

/** One route: everything that is known of it stands here. */
export interface Route {
  /** With `{name}` where a parameter of the path stands. */
  readonly path: string
  readonly name: string
  readonly says: string
  readonly parameters: readonly Parameter[]
  readonly answer: (reader: LakeReaderPort, values: Values, asking: RouteAsking) => Sheet
}

/** Parameters of a request, all of them declared. */
export class Values {
  readonly #given: ReadonlyMap<string, readonly string[]>
  constructor (given: ReadonlyMap<string, readonly string[]>) { this.#given = given }

  maybe (name: string): string | undefined { return this.#given.get(name)?.[0] }
  /** One that is required, or has a fallback. */
  text (name: string): string { return this.maybe(name)! }
  list (name: string): readonly string[] | undefined { return this.#given.get(name) }
}

const repeatsMax = 1_000

/**
 * The parameters of a request as its route declares them.
 *
 * Errors: Problem 400 for one that is not known, is there twice, or is missing
 */
export function valuesOf ({ parameters }: Route, path: ReadonlyMap<string, string>, query: URLSearchParams): Values {
  const given = new Map<string, string[]>([...path].map(([name, value]) => [name, [value]]))
  const known = parameters.filter(one => one.in === 'query').map(({ name }) => name)
  for (const [name, value] of query) {
    if (!known.includes(name)) throw new Problem(400, { title: 'There is no such parameter', detail: `Parameters here are ${known.join(', ')}`, parameter: name.slice(0, 100), nearest: nearest(name.slice(0, 100), known) })
    given.set(name, [...given.get(name) ?? [], value])
  }
  for (const { name, many, required, fallback } of parameters) {
    const values = given.get(name)
    if (values === undefined && fallback !== undefined) given.set(name, [fallback])
    else if (values === undefined && required === true) throw new Problem(400, { title: 'A parameter is missing', detail: `Give ${name}`, parameter: name })
    else if (values !== undefined && values.length > (many === true ? repeatsMax : 1)) throw new Problem(400, { title: 'A parameter is there too often', detail: many === true ? `At most ${repeatsMax} times` : 'Give it once', parameter: name })
  }
  return new Values(given)
}

/** The route of a path, with the parameters in it; null: there is none. */
export function routeOf (routes: readonly Route[], path: string): { readonly route: Route, readonly values: ReadonlyMap<string, string> } | null {
  const parts = path.split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    if (pattern.length !== parts.length || !pattern.every((part, index) => part.startsWith('{') ? parts[index] !== '' : part === parts[index])) continue
    const values = pattern.flatMap((part, index): [string, string][] => part.startsWith('{') ? [[part.slice(1, -1), decoded(parts[index]!)]] : [])
    return { route, values: new Map(values) }
  }
  return null
}

function decoded (part: string): string {
  try { return decodeURIComponent(part) } catch { throw new Problem(400, { title: 'The path is not written as URLs are', detail: 'A percent sign stands before two hexadecimal digits, and the bytes are UTF-8' }) }
}
