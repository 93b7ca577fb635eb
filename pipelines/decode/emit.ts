import { emitFill, emitStore } from './emit-store.ts'
import { int, long } from './emit-varint.ts'
import { poison } from './poison.ts'
import type { Step } from './project.ts'
import type { AvroType } from './schema.ts'
import { fixedWidth, isRecursive } from './shape.ts'
import { failure, guarded, runSteps, type Sinks } from './steps.ts'

/** More than this is no faster inline, and makes the function too large for the optimising compiler. */
const inlineStepsMax = 160

/** What the text of a row loop needs beside itself: closures by index, and the columns it stores into. */
export interface Emission { readonly sinks: Sinks, readonly bound: unknown[], readonly columns: Set<number>, /** Columns known in every row: marked so for all rows of a run at once. */ readonly always: ReadonlySet<number>, inlined: number, /** A closure may set the key. */ keyCalled: boolean }

/** Text that leaves the record with a poison code. */
export const leave = (code: number, name: number) => `{ fail = ${failure(code, name)}; break record }`
export const truncatedIf = (condition: string, name: number) => `if (${condition}) ${leave(poison.truncated, name)}`

/** Text of the steps, in order. Expects p, ve, row, b, v, c and the scratch variables of the loop. */
export function emitSteps (steps: readonly Step[], to: Emission): string {
  return steps.map(step => emitStep(step, to)).join('\n')
}

function emitStep (step: Step, to: Emission): string {
  to.inlined += 1
  const inline = to.inlined <= inlineStepsMax
  switch (step.do) {
    case 'pass': return `p += ${step.bytes}\n${truncatedIf('p > ve', step.name)}`
    case 'refuse': return leave(poison.unresolved, step.name)
    case 'choose': return inline && step.branches.length <= 64 ? emitChoose(step.branches.map(branch => () => emitSteps(branch, to)), step.name) : emitCall(step, to)
    case 'skip': return (inline ? emitSkip(step.type, step.name, to) : null) ?? emitCall(step, to)
    case 'store': return (inline ? emitStore(step, to) : null) ?? emitCall(step, to)
    case 'fill': return emitFill(step, to) ?? emitCall(step, to)
  }
}

/** Index of a branch, then one of several texts. */
function emitChoose (branches: readonly (() => string)[], name: number): string {
  const index = `x = b[p]; p += 1\n${truncatedIf('p > ve', name)}`
  const cases = branches.map((branch, at) => `${at === 0 ? '' : 'else '}if (x === ${2 * at}) {\n${branch()}\n}`)
  return `${index}\n${cases.join('\n')}\nelse ${leave(poison.index, name)}`
}

/** Text that passes over a value; null where a closure does it better. */
function emitSkip (type: AvroType, name: number, to: Emission): string | null {
  const width = fixedWidth(type)
  if (width !== null) return width === 0 ? '' : `p += ${width}\n${truncatedIf('p > ve', name)}`
  switch (type.kind) {
    case 'int': return emitInt(name)
    case 'long': return emitSkipLong(name)
    case 'string': return emitLength(true, name, 'p += size')
    case 'bytes': return emitLength(false, name, 'p += size')
    case 'enum': return type.symbols.length > 64 ? null : `x = b[p]; p += 1\n${truncatedIf('p > ve', name)}\nif ((x & 129) !== 0 || x >>> 1 >= ${type.symbols.length}) ${leave(poison.index, name)}`
    case 'union': {
      const branches = type.branches.map(branch => emitSkip(branch, name, to))
      return type.branches.length > 8 || branches.includes(null) ? null : emitChoose(branches.map(branch => () => branch!), name)
    }
    case 'record': {
      to.inlined += type.fields.length
      if (isRecursive(type) || to.inlined > inlineStepsMax) return null
      const fields = type.fields.map(field => emitSkip(field.type, name, to))
      return fields.includes(null) ? null : fields.join('\n')
    }
    default: return null
  }
}

/** As a closure that stops after ten bytes would see it. */
function emitSkipLong (name: number): string {
  return `id = p; while (b[p] > 127) p += 1
p += 1
if (p - id > 9 && (p - id > 10 || b[p - 1] > 1)) { fail = (p - id > 10 ? id + 10 : p) > ve ? ${failure(poison.truncated, name)} : ${failure(poison.varint, name)}; break record }
${truncatedIf('p > ve', name)}`
}

/** Text that reads an int into `size`. */
export function emitInt (name: number): string {
  return `id = p
${int('size', truncatedOrVarint(name))}
${truncatedIf('p > ve', name)}
if (p - id > 4 && (p - id > 5 || (b[p - 1] > 15))) ${leave(poison.varint, name)}`
}

/** Text that reads a long into `n`. */
export function emitLong (name: number): string {
  return `${long('n', truncatedOrVarint(name))}\n${truncatedIf('p > ve', name)}`
}

/** Text that reads the length of bytes or text that lies within the record into `size`, then does `then`. */
export function emitLength (text: boolean, name: number, then: string): string {
  return `${int('size', truncatedOrVarint(name))}
if (size < 0 || p > ve${text ? ' || size > textBytesMax' : ''}) { fail = p > ve ? ${failure(poison.truncated, name)} : size < 0 ? ${failure(poison.length, name)} : ${failure(poison.textBytes, name)}; break record }
${truncatedIf('size > ve - p', name)}
${then}`
}

const truncatedOrVarint = (name: number) => `{ fail = p > ve ? ${failure(poison.truncated, name)} : ${failure(poison.varint, name)}; break record }`

/** Text that calls a closure for a step, and takes over what it found. */
export function emitCall (step: Step, to: Emission): string {
  const index = to.bound.push(guarded(runSteps([step], to.sinks))) - 1
  const lines = ['c.at = p', `fail = bound${index}(c, row)`, 'if (fail !== 0) break record', 'p = c.at']
  if (setsKey(step)) to.keyCalled = true
  if (setsKey(step)) lines.push('if (c.keyLength >= 0) { kb = c.keyBytes; kv = c.keyView; ks = c.keyStart; kl = c.keyLength }')
  if (setsTime(step)) lines.push('t = c.time')
  return lines.join('\n')
}

const setsKey = (step: Step): boolean => step.do === 'choose' ? step.branches.some(branch => branch.some(setsKey)) : 'target' in step && step.target.key
const setsTime = (step: Step): boolean => step.do === 'choose' ? step.branches.some(branch => branch.some(setsTime)) : 'target' in step && step.target.time
