import type { ErrorEntry } from './entry.ts'

export const runtimeErrors = {
  STATE_MISMATCH: { fault: 'config', action: 'stop', says: 'Cannot restore state', advice: 'The state was written by another definition. Drain with the old one, or name what to reset.' },
} as const satisfies Record<string, ErrorEntry>
