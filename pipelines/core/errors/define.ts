import type { ErrorEntry } from './entry.ts'

export const defineErrors = {
  CONFIG_DURATION: { fault: 'config', action: 'stop', says: 'Cannot read duration', advice: 'Write a whole amount and a unit: 500ms, 10s, 5m, 2h, 7d.' },
} as const satisfies Record<string, ErrorEntry>
