import type { ErrorEntry } from './entry.ts'

export const normaliseErrors = {
  NORMALISE_FUTURE: { fault: 'data', action: 'dead-letter', says: 'Cannot accept reading: its time is in the future', advice: 'The device clock is ahead of arrival by more than time.futureMax.' },
  KEYS_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot track another key', advice: 'The task holds as many keys as its bound allows. Raise the bound or add partitions.' },
} as const satisfies Record<string, ErrorEntry>
