import { hash } from 'node:crypto'

/**
 * 128 bits of SHA-256 over the text's UTF-8, as 32 hex digits. A pure function of the text: for ids, versions and state hashes.
 *
 * Limits: about 1 us a call: for what is rare or remembered, never per record
 */
export function hashText (text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}

/**
 * JSON with object members sorted by name and absent (`undefined`) members left out, so that equal data has equal text.
 * Functions and numbers without a JSON form are written by name (`NaN`, `Infinity`).
 */
export function canonicalJson (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
  }
  if (typeof value === 'function') return JSON.stringify(value.name)
  if (typeof value === 'bigint') return `${value}`
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value))
  return JSON.stringify(value) ?? 'null'
}
