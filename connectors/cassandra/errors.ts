import { errors, types } from 'cassandra-driver'
import { StreamError } from '../../pipelines/core/errors.ts'

/**
 * What became of a request, whatever the driver calls it.
 *
 * Delivery: `unknown`: it may have been carried out, now or later; `busy`, `unavailable`, `unreachable`: it was not, and may be tried again (with a
 *           statement that changes nothing when repeated, so may an unknown one); `large`: this statement will never be taken, another may; `denied`, `refused`: not without a person
 */
export type Outcome = 'unknown' | 'busy' | 'unavailable' | 'unreachable' | 'large' | 'denied' | 'refused'

const codes = types.responseErrorCodes
const largeText = /too large|oversized|longer than maximum|exceeds? the maximum/i
const trustCodes = /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/

export const wrongLogin = 'user or password is wrong'
/** What Node, driver and server say, where it is safe to repeat: none of them has a password in its message. */
export interface Failure { readonly outcome: Outcome, readonly details: Readonly<Record<string, unknown>>, /** What is behind it, where the error itself only sums up. */ readonly cause?: unknown }

/** Errors: gives LAKE_UNREACHABLE, LAKE_DENIED, LAKE_ROW_REFUSED, LAKE_UNAVAILABLE, with the foreign one as cause */
export function lakeError (error: unknown, about: Readonly<Record<string, unknown>> = {}): StreamError {
  if (error instanceof StreamError) return error
  const { outcome, details, cause = error } = failureOf(error)
  const code = ({ unknown: 'LAKE_UNAVAILABLE', busy: 'LAKE_UNAVAILABLE', unavailable: 'LAKE_UNAVAILABLE', unreachable: 'LAKE_UNREACHABLE', large: 'LAKE_ROW_REFUSED', denied: 'LAKE_DENIED', refused: 'LAKE_REFUSED' } as const)[outcome]
  return new StreamError(code, { ...about, ...details }, { cause })
}

export function failureOf (error: unknown): Failure {
  if (error instanceof errors.NoHostAvailableError) return noHost(error)
  if (error instanceof errors.ResponseError) return response(error)
  if (error instanceof errors.OperationTimedOutError) return { outcome: 'unknown', details: { why: 'no answer in time', host: error.host ?? null } }
  if (error instanceof errors.BusyConnectionError) return { outcome: 'busy', details: { why: 'too many requests are under way' } }
  if (error instanceof errors.AuthenticationError) return { outcome: 'denied', details: { why: /requires authentication|provider not set/i.test(error.message) ? 'it asks for a user and a password' : wrongLogin } }
  const { code = null, message = String(error) } = error as { readonly code?: unknown, readonly message?: string }
  if (typeof code === 'string' && trustCodes.test(code)) return { outcome: 'denied', details: { why: code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'its certificate is for another host' : 'its certificate is not trusted', tls: message } }
  if (typeof code === 'string' && /^(ERR_SSL_|EPROTO)/.test(code)) return { outcome: 'denied', details: { why: 'it does not speak TLS, or refuses the client\'s certificate', tls: code } }
  return { outcome: 'unreachable', details: { why: typeof code === 'string' ? code : message } }
}

/** One node's reason stands for all; what a person must mend goes before what may pass. */
function noHost ({ innerErrors, message }: errors.NoHostAvailableError): Failure {
  const reasons = Object.entries(innerErrors as Readonly<Record<string, Error>> ?? {}).map(([host, error]) => ({ host, error, failure: failureOf(error) }))
  const worst = reasons.find(({ failure }) => failure.outcome === 'denied') ?? reasons.find(({ failure }) => failure.outcome === 'unknown') ?? reasons.find(({ failure }) => failure.outcome === 'busy') ?? reasons[0]
  if (worst === undefined) return { outcome: 'unreachable', details: { why: message } }
  return { outcome: worst.failure.outcome, details: { host: worst.host, ...reasons.length > 1 && { nodesTried: reasons.length }, ...worst.failure.details }, cause: worst.error }
}

function response (error: errors.ResponseError): Failure {
  const { code, message } = error
  const details = { why: message }
  switch (code) {
    case codes.writeTimeout: case codes.writeFailure: return { outcome: 'unknown', details }
    case codes.overloaded: case codes.readTimeout: case codes.readFailure: return { outcome: 'busy', details }
    case codes.unavailableException: case codes.isBootstrapping: return { outcome: 'unavailable', details }
    case codes.badCredentials: return { outcome: 'denied', details: { why: wrongLogin } }
    case codes.unauthorized: return { outcome: 'denied', details }
    case codes.invalid: case codes.serverError: case codes.protocolError:
      if (largeText.test(message)) return { outcome: 'large', details }
      return { outcome: code === codes.serverError ? 'unknown' : 'refused', details }
    default: return { outcome: 'refused', details }
  }
}
