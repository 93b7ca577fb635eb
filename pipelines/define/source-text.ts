import type { Path } from './problem.ts'

/** Line and column from 1. */
export interface Place { readonly line: number, readonly column: number }

/** The text a definition was written in, able to tell where its parts stand. */
export interface SourceText {
  /** The name or value at a path, or the nearest part above it. */
  locate (path: Path, at: 'key' | 'value'): Place
  /** A place inside the text at a path; null when that is no text. */
  locateWithin (path: Path, within: Place): Place | null
}

/**
 * Where the character `index` of a quoted text stands in its source, counted from the opening quote. With `backslash`,
 * escapes such as `\n` and `\u0041` stand for one character; without, a doubled quote does.
 */
export function offsetInQuoted (raw: string, { index, backslash }: { readonly index: number, readonly backslash: boolean }): number {
  const wide = backslash ? /\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|U[\da-fA-F]{8}|[\s\S])/y : /''/y
  let at = 1
  for (let passed = 0; passed < index && at < raw.length - 1; passed += 1) {
    wide.lastIndex = at
    at += wide.exec(raw)?.[0].length ?? 1
  }
  return at
}

export function placeIn (text: string, offset: number): Place {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

/** The character that stands at a line and column of a text. */
export function offsetOf (text: string, { line, column }: Place): number {
  return text.split('\n').slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
}
