import type { ErrorEntry } from './entry.ts'

export const expressionErrors = {
  EXPRESSION_SYNTAX: { fault: 'config', action: 'stop', says: 'Cannot read expression', advice: 'The expression is not valid CEL at the place named. Texts stand in quotes, conditions are joined with && and ||, equality is ==.' },
  EXPRESSION_NAME: { fault: 'config', action: 'stop', says: 'Cannot find a name that the expression uses', advice: 'No field, signal or function has this name here. The nearest valid name is given where one is close. Rules on readings see the signals; rules on windows see what the window keeps; `normalise` sees the fields of the contract.' },
  EXPRESSION_TYPE: { fault: 'config', action: 'stop', says: 'Cannot use a value of this kind here', advice: 'Numbers, texts and booleans do not mix: compare a boolean by itself (`doorOpen`, not `doorOpen == 1`), a text with a text in quotes, a missing value with known(x).' },
  EXPRESSION_UNIT: { fault: 'config', action: 'stop', says: 'Cannot combine values of different units', advice: 'Two values are compared, added or chosen between that have different units. Convert one with convert(x, \'unit\'), or say with unit(x, \'unit\') what a computed number is in. Plain numbers take the unit of the other side.' },
  EXPRESSION_LIMIT: { fault: 'config', action: 'stop', says: 'Cannot take an expression of this size', advice: 'An expression has at most 4096 bytes, 64 levels and a bounded cost per reading. Split it over several signals, or move lists into a table.' },
  UNIT_UNKNOWN: { fault: 'config', action: 'stop', says: 'Cannot read unit', advice: 'Units are UCUM codes, case-sensitive: Cel, [degF], K, %, [ppm], Pa, hPa, bar, [psi], m/s, km/h, [mi_i]/h, kW.h, V, A, Ohm, Hz, lx, l/min.' },
  UNIT_MISMATCH: { fault: 'config', action: 'stop', says: 'Cannot convert between units of different dimensions', advice: 'The two units measure different things, so no factor leads from one to the other.' },
} as const satisfies Record<string, ErrorEntry>
