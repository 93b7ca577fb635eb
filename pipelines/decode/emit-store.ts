import type { TextColumn } from '../core/batch.ts'
import { type Emission, emitInt, emitLength, emitLong, leave, truncatedIf } from './emit.ts'
import { poison, pause } from './poison.ts'
import type { Step, Target } from './project.ts'
import type { Plan } from './resolve.ts'
import { scaledTime, symbolIds, timeDivisor } from './steps.ts'

/** Text that reads a value into its column, key or time; null for what a closure reads. */
export function emitStore (step: Step & { readonly do: 'store' }, to: Emission): string | null {
  const { target, plan, name } = step
  if (target.kind === 'value') return null
  switch (plan.do) {
    case 'number': return emitNumber(target, plan, name, to)
    case 'boolean': return target.key ? null : `${truncatedIf('p >= ve', name)}\n${put(target, 'b[p] === 1 ? 1 : 0', to)}\np += 1`
    case 'text': return target.key ? emitLength(true, name, 'ks = p; kl = size; kh = hashOf(v, p, size); kslot = keys.slotOf(kh); p += size') : emitText(target, name, to)
    case 'enum': return target.key || plan.symbols.length > 64 ? null : emitEnum(target, plan.symbols, name, to)
    default: return null
  }
}

/** Store an expression in the target's column, when it has one. */
function put (target: Target, expression: string, to: Emission, known: 0 | 1 = 1): string {
  if (target.column < 0) return ''
  to.columns.add(target.column)
  const store = `values${target.column}[row] = ${expression}`
  return to.always.has(target.column) ? store : `${store}; known${target.column}[row] = ${known}`
}

function emitNumber (target: Target, plan: Plan & { readonly do: 'number' }, name: number, to: Emission): string | null {
  if (target.key) return null
  const { time } = plan
  const integer = plan.from === 'int' || plan.from === 'long'
  const divisor = time?.divisor ?? 1
  const timeBy = timeDivisor(to.sinks.unitMs)
  const exact = plan.from === 'long' && plan.to === 'long' && time === null
  const lines = [plan.from === 'int' ? `${emitInt(name)}\nn = size` : plan.from === 'long' ? `id = p\n${emitLong(name)}` : emitFloat(plan.from, name)]
  if (divisor > 1) lines.push(divide('n', divisor, plan.from === 'long'))
  else if (time !== null && time.scale !== 1) lines.push(`n *= ${time.scale}`)
  if (time === null && plan.to === 'float' && integer) lines.push('n = Math.fround(n)')
  if (!integer) lines.push('n += 0')
  if (target.time) lines.push(timeBy > 1 ? divide('t', timeBy, exact) : to.sinks.unitMs === 1 ? 't = n' : `t = n * ${to.sinks.unitMs}`)
  else if (!integer) lines.push(`if (n - n !== 0) ${leave(poison.notFinite, name)}`)
  else if (exact) lines.push(`if (n > ${Number.MAX_SAFE_INTEGER} || n < ${Number.MIN_SAFE_INTEGER}) ${leave(poison.unsafe, name)}`)
  lines.push(put(target, 'n', to))
  return lines.join('\n')
}

/** Text of a division that stays exact beyond 2^53, where the long at `id` is read again for its limbs. */
function divide (into: string, divisor: number, exact: boolean): string {
  const simple = `${into} = n / ${divisor}`
  return exact ? `if (n > ${Number.MAX_SAFE_INTEGER} || n < ${Number.MIN_SAFE_INTEGER}) { longAt(c, b, id); ${into} = divided(c, n, ${divisor}) } else ${simple}` : simple
}

/** Text that fills in a default, or null; null where a closure does it. */
export function emitFill ({ target, value }: Step & { readonly do: 'fill' }, to: Emission): string | null {
  if (value === null) return target.column < 0 || (target.key && target.kind === 'text') ? '' : put(target, { number: 'NaN', bool: '0', text: '0', value: 'null' }[target.kind], to, 0)
  if (target.key || (target.kind !== 'number' && target.kind !== 'bool')) return null
  const time = target.time ? `t = ${scaledTime(value as number, to.sinks.unitMs)}\n` : ''
  return time + put(target, target.kind === 'bool' ? (value === true ? '1' : '0') : String(value), to)
}

function emitFloat (from: string, name: number): string {
  const bytes = from === 'float' ? 4 : 8
  return `${truncatedIf(`p + ${bytes} > ve`, name)}\nn = v.getFloat${bytes * 8}(p, true); p += ${bytes}`
}

function emitText (target: Target, name: number, to: Emission): string {
  return `${emitLength(true, name, '')}
id = texts${target.column}.internUtf8(b, v, p, size)
${orPoison(name)}
p += size
${put(target, 'id', to)}`
}

function emitEnum (target: Target, symbols: readonly (string | null)[], name: number, to: Emission): string {
  const find = to.bound.push(symbolIds(symbols, to.sinks.columns[target.column] as TextColumn, to.sinks)) - 1
  const missing = symbols.flatMap((symbol, index) => symbol === null ? [`x === ${index}`] : [])
  return `x = b[p]; p += 1
${truncatedIf('p > ve', name)}
if ((x & 129) !== 0 || x >>> 1 >= ${symbols.length}) ${leave(poison.index, name)}
x >>>= 1
${missing.length === 0 ? '' : `if (${missing.join(' || ')}) ${leave(poison.unresolved, name)}`}
id = bound${find}(x)
${orPoison(name)}
${put(target, 'id', to)}`
}

const orPoison = (name: number) => `if (id < 0) { fail = id === -1 ? ${pause.dictionaryFull} : ${(poison.utf8 | (name + 1) << 8)}; break record }`
