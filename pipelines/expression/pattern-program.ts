import type { Assertion, Piece, Ranges } from './pattern-parser.ts'

type Step =
  | { readonly op: 'set', readonly has: (point: number) => boolean, next: number }
  | { readonly op: 'assert', readonly what: Assertion, next: number }
  | { readonly op: 'split', next: number, other: number }
  | { readonly op: 'match' }

/** States of a pattern, the matching one last. */
export interface Program { readonly size: number, test (text: string): boolean }

/** Errors: `fail` when the pattern needs more than `sizeMax` states */
export function compileProgram (piece: Piece, sizeMax: number, fail: (problem: string) => never): Program {
  const steps: Step[] = []
  const add = (step: Step): number => {
    if (steps.length >= sizeMax) fail(`a pattern of more than ${sizeMax} states`)
    return steps.push(step) - 1
  }
  // built from the end: each piece is told where to go on and gives its entrance
  let visits = 0
  const build = (part: Piece, next: number): number => {
    // pieces that match nothing add no state, however often they are repeated
    if ((visits += 1) > sizeMax * 8) fail('a pattern with too many repetitions')
    switch (part.op) {
      case 'set': return add({ op: 'set', has: memberOf(part.ranges, part.negated, part.fold), next })
      case 'assert': return add({ op: 'assert', what: part.what, next })
      case 'sequence': return part.parts.reduceRight((after, inner) => build(inner, after), next)
      case 'either': return part.parts.map(inner => build(inner, next)).reduceRight((other, entrance) => add({ op: 'split', next: entrance, other }))
      case 'repeat': return repeat(part, next)
    }
  }
  const repeat = ({ part, least, most }: Extract<Piece, { op: 'repeat' }>, next: number): number => {
    let entrance = next
    if (most === Number.POSITIVE_INFINITY) {
      const loop = add({ op: 'split', next, other: next })
      ;(steps[loop] as Extract<Step, { op: 'split' }>).next = build(part, loop)
      entrance = loop
    } else {
      for (let optional = least; optional < most; optional += 1) entrance = add({ op: 'split', next: build(part, entrance), other: next })
    }
    for (let needed = 0; needed < least; needed += 1) entrance = build(part, entrance)
    return entrance
  }
  const match = add({ op: 'match' })
  const start = build(piece, match)
  return { size: steps.length, test: text => run(steps, start, text) }
}

/** Whether any part of the text matches: every live state at once, a new start at each position. */
function run (steps: readonly Step[], start: number, text: string): boolean {
  let live: number[] = []
  let next: number[] = []
  const seen = new Int32Array(steps.length).fill(-1)
  const stack: number[] = []
  let round = 0
  /** Follow what takes no character; true when the match is reached. */
  const enter = (list: number[], entrance: number, at: number): boolean => {
    stack.push(entrance)
    while (stack.length > 0) {
      const index = stack.pop()!
      if (seen[index] === round) continue
      seen[index] = round
      const step = steps[index]!
      if (step.op === 'match') { stack.length = 0; return true }
      if (step.op === 'set') list.push(index)
      else if (step.op === 'split') stack.push(step.other, step.next)
      else if (holds(step.what, text, at)) stack.push(step.next)
    }
    return false
  }
  if (enter(live, start, 0)) return true
  for (let at = 0; at < text.length;) {
    const point = text.codePointAt(at)!
    at += point > 0xffff ? 2 : 1
    round += 1
    next.length = 0
    for (const index of live) {
      const step = steps[index] as Extract<Step, { op: 'set' }>
      if (step.has(point) && enter(next, step.next, at)) return true
    }
    if (enter(next, start, at)) return true
    ;[live, next] = [next, live]
  }
  return false
}

function holds (what: Assertion, text: string, at: number): boolean {
  switch (what) {
    case 'textStart': return at === 0
    case 'textEnd': return at === text.length
    case 'lineStart': return at === 0 || text[at - 1] === '\n'
    case 'lineEnd': return at === text.length || text[at] === '\n'
    case 'word': return isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at))
    case 'notWord': return isWord(text.charCodeAt(at - 1)) === isWord(text.charCodeAt(at))
  }
}

const isWord = (unit: number) => (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f || (unit >= 0x61 && unit <= 0x7a)

function memberOf (ranges: Ranges, negated: boolean, fold: boolean): (point: number) => boolean {
  const within = (point: number) => {
    for (let i = 0; i < ranges.length; i += 2) if (point >= ranges[i]! && point <= ranges[i + 1]!) return true
    return false
  }
  if (!fold) return point => within(point) !== negated
  return point => (within(point) || otherCases(point).some(within)) !== negated
}

function otherCases (point: number): number[] {
  const character = String.fromCodePoint(point)
  return [character.toLowerCase(), character.toUpperCase()].map(other => other.codePointAt(0)!).filter(other => String.fromCodePoint(other).length === character.length)
}
