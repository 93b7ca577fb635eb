import type { ErrorEntry } from './entry.ts'

export const expressionErrors = {
  EXPRESSION_SYNTAX: { fault: 'config', action: 'stop', says: 'Cannot read expression', advice: 'The expression is not valid CEL at the place named.' },
} as const satisfies Record<string, ErrorEntry>
