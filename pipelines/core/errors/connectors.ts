import type { ErrorEntry } from './entry.ts'

export const connectorErrors = {
  LOG_LOCKED: { fault: 'external', action: 'stop', says: 'Cannot open the data folder: another process holds it', advice: 'Stop the other process, or use another folder with --data.' },
} as const satisfies Record<string, ErrorEntry>
