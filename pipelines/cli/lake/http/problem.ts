import { errorCatalogue, StreamError } from '../../../core/errors.ts'

export interface ProblemFacts { readonly title: string, readonly detail: string, readonly [fact: string]: unknown }

/**
 * What went wrong with a request, as the client is told it.
 *
 * Source: RFC 9457
 */
export class Problem extends Error {
  readonly status: number
  readonly facts: ProblemFacts
  readonly headers: Readonly<Record<string, string>>

  constructor (status: number, facts: ProblemFacts, headers: Readonly<Record<string, string>> = {}) {
    super(facts.title)
    this.status = status
    this.facts = facts
    this.headers = headers
  }

  get body (): string { return `${JSON.stringify({ type: 'about:blank', status: this.status, ...this.facts })}\n` }
}

/** An error as a problem; `inPath`: the name that is not known stands in the path. What the system around us said is not for clients. */
export function problemOf (error: unknown, { inPath = false } = {}): Problem {
  if (error instanceof Problem) return error
  if (!(error instanceof StreamError)) return internal()
  const { says, advice } = errorCatalogue[error.code]
  const known = { title: says, code: error.code, advice }
  switch (error.fault) {
    case 'config': case 'data': {
      const status = error.code === 'LAKE_UNKNOWN' && inPath ? 404 : error.code === 'LAKE_LIMIT' ? 422 : 400
      // The server's own configuration is none of the client's.
      return /^(LAKE_(ASK|UNKNOWN|LIMIT)|EXPRESSION_.*)$/.test(error.code) ? new Problem(status, { ...known, detail: error.message, ...plain(error.details) }) : internal()
    }
    case 'external': return new Problem(503, { ...known, detail: 'The lake does not answer now; ask again later' }, { 'retry-after': '5' })
    case 'bug': return internal()
  }
}

const plain = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(details).filter(([name]) => !['title', 'detail', 'status', 'type', 'code', 'advice'].includes(name)))
const internal = () => new Problem(500, { title: 'Internal error', detail: 'This is a mistake of the server; its log says more' })
