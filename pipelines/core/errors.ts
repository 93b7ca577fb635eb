import { cassandraErrors } from './errors/cassandra.ts'
import { connectorErrors } from './errors/connectors.ts'
import { decodeErrors } from './errors/decode.ts'
import { defineErrors } from './errors/define.ts'
import { expressionErrors } from './errors/expression.ts'
import { lakeErrors } from './errors/lake.ts'
import { normaliseErrors } from './errors/normalise.ts'
import { registryErrors } from './errors/registry.ts'
import { rulesErrors } from './errors/rules.ts'
import { runtimeErrors } from './errors/runtime.ts'
import { windowErrors } from './errors/window.ts'

/** Every way this project can fail. docs/errors.md has one entry per code; test/tidy compares the two. */
export const errorCatalogue = {
  ...defineErrors,
  ...decodeErrors,
  ...expressionErrors,
  ...normaliseErrors,
  ...windowErrors,
  ...rulesErrors,
  ...runtimeErrors,
  ...connectorErrors,
  ...cassandraErrors,
  ...lakeErrors,
  ...registryErrors,
} as const

export type ErrorCode = keyof typeof errorCatalogue

/**
 * The one error that leaves our code. The code decides whose fault it is and what the runtime does next,
 * so no caller ever parses a message.
 */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor (code: ErrorCode, details: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(errorText(code, details), options)
    this.code = code
    this.details = details
  }

  get fault () { return errorCatalogue[this.code].fault }
  get action () { return errorCatalogue[this.code].action }
}

/** What could not be done, then the facts as `key=value`. Also the text of a dead letter, which is not thrown. */
export function errorText (code: ErrorCode, details: Readonly<Record<string, unknown>>): string {
  const facts = Object.entries(details).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')
  return `${errorCatalogue[code].says}${facts && `: ${facts}`}`
}
