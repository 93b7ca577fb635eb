import type { ErrorEntry } from './entry.ts'

export const rulesErrors = {
  RULE_STATE_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot track another key in a rule', advice: 'More keys than the bound of the rule allows.' },
} as const satisfies Record<string, ErrorEntry>
