import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { type ErrorCode, StreamError } from '../core/errors.ts'

export type Syntax = ASTNode

export const sourceBytesMax = 4096
export const depthMax = 64
export const costMax = 2000
const parser = new Environment({ limits: { maxDepth: depthMax, maxAstNodes: sourceBytesMax, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 32 } })
const quotedMax = 200

/**
 * The syntax tree of a CEL expression.
 *
 * Limits: 4096 bytes, 64 levels of nesting
 * Errors: EXPRESSION_SYNTAX, EXPRESSION_LIMIT with line and column
 */
export function parse (text: string): Syntax {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > sourceBytesMax) throw failure('EXPRESSION_LIMIT', text, 0, { bytes, bytesMax: sourceBytesMax })
  if (text.trim() === '') throw failure('EXPRESSION_SYNTAX', text, 0, { problem: 'the expression is empty' })
  try {
    return parser.parse(text).ast
  } catch (error) {
    throw parseFailure(text, error)
  }
}

/** An error at a place of the expression. Line and column count from 1. */
export function failure (code: ErrorCode, text: string, offset: number, details: Readonly<Record<string, unknown>>, cause?: unknown): StreamError {
  const before = text.slice(0, offset).split('\n')
  const expression = text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text
  return new StreamError(code, { expression, line: before.length, column: before.at(-1)!.length + 1, ...details }, cause === undefined ? undefined : { cause })
}

const words: Readonly<Record<string, string>> = { EOF: 'the end', IDENTIFIER: 'a name', NUMBER: 'a number', STRING: 'a text', LPAREN: '(', RPAREN: ')', LBRACKET: '[', RBRACKET: ']', LBRACE: '{', RBRACE: '}', DOT: '.', COMMA: ',', COLON: ':', QUESTION: '?' }

/** The parser's own complaint, with its token names in plain words. */
function parseFailure (text: string, error: unknown): StreamError {
  const { code, summary, range } = error as { code?: string, summary?: string, range?: { start: number } }
  const offset = range?.start ?? 0
  if (code === 'limit_exceeded' || error instanceof RangeError) return failure('EXPRESSION_LIMIT', text, offset, { problem: summary?.includes('maxDepth') ? `nested deeper than ${depthMax} levels` : 'too many parts' }, error)
  const word = /^(?:\w+|.)/u.exec(text.slice(offset))?.[0]
  const problem = code === 'unexpected_character' && word !== undefined ? `unexpected ${word}` : (summary ?? 'not an expression').replace(/\b[A-Z]{3,}\b/g, word => words[word] ?? word.toLowerCase())
  return failure('EXPRESSION_SYNTAX', text, offset, { problem, ...hint(text, offset) }, error)
}

/** The slip behind most syntax errors. */
function hint (text: string, offset: number): { readonly advice?: string } {
  const rest = text.slice(Math.max(0, offset - 1))
  if (/^.?=(?!=)/.test(rest)) return { advice: 'equality is ==' }
  if (/^.?&(?!&)/.test(rest)) return { advice: 'and is &&' }
  if (/^.?\|(?!\|)/.test(rest)) return { advice: 'or is ||' }
  if (/^.?(and|or|not)\b/i.test(rest) || /\b(and|or|not)\b/i.test(text.slice(Math.max(0, offset - 4), offset + 4))) return { advice: 'and, or, not are &&, ||, !' }
  return {}
}
