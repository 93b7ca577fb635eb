import type { ErrorEntry } from './entry.ts'

export const normaliseErrors = {
  NORMALISE_FUTURE: { fault: 'data', action: 'dead-letter', says: 'Cannot accept reading: its time is in the future', advice: 'The device clock is ahead of arrival by more than time.futureMax. Set the clock of the device, check the unit of time.field, or raise futureMax.' },
  NORMALISE_TIME: { fault: 'data', action: 'dead-letter', says: 'Cannot accept reading: its time is no point in time', advice: 'The time field holds NaN, an infinity or a moment outside of what dates can say. Check the unit of time.field and the device that sends it.' },
  NORMALISE_RANGE: { fault: 'data', action: 'dead-letter', says: 'Cannot accept reading: a signal is outside its range', advice: 'The definition dead-letters readings outside the range of this signal. Check the sensor, or let the range say outside: unknown.' },
  NORMALISE_FUNCTION: { fault: 'data', action: 'dead-letter', says: 'Cannot compute signal: a function of the definition failed', advice: 'The named function threw, or gave a value of another kind than its signal. Give null for what cannot be known.' },
  NORMALISE_MAPPING: { fault: 'config', action: 'stop', says: 'Cannot map a field to a signal', advice: 'The field is missing from the contract, or its kind does not fit the signal: numbers come from numbers and booleans, booleans from booleans and 0 or 1, texts from texts and enums.' },
  KEYS_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot track another key', advice: 'The task holds as many keys as its bound allows. Raise the bound or add partitions.' },
} as const satisfies Record<string, ErrorEntry>
