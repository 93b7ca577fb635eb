import { normalSchema } from '../../schemas/normal.ts'
import { refusals } from './refusal.ts'

/** `latest`, or a version's number. */
export type VersionName = number | 'latest'

const subjectLengthMax = 255
const versionMax = 2 ** 31 - 1

export function versionName (text: string): VersionName {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > versionMax) throw refusals.versionInvalid(text)
  return version
}

/** Confluent's contexts (`:.name:subject`) would need an id space each: refused rather than mixed up. The default one may be named. */
export function checkSubject (subject: string): void {
  if (subject === '' || subject.length > subjectLengthMax || subject.startsWith(':.') || /\p{Cc}/u.test(subject) || subject.startsWith('__GLOBAL') || subject.startsWith('__EMPTY')) throw refusals.subjectInvalid(subject)
}

/** White space goes; numbers and escapes stay as they were written, since a default beyond 2^53 would not survive a number. */
export function canonical (avro: string, { normalize = false }: { readonly normalize?: boolean | undefined } = {}): string {
  try {
    JSON.parse(avro)
    return normalize ? normalSchema(avro) : avro.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')
  } catch (cause) {
    // The bare name of a type is Avro JSON to a registry, though not JSON.
    if (/^[a-z]+$/.test(avro.trim())) return JSON.stringify(avro.trim())
    throw refusals.schemaInvalid(cause instanceof RangeError ? cause.message : 'it is not JSON', { cause })
  }
}
