/** Whose fault it is, and what the runtime does next. `advice` is the paragraph of docs/errors.md. */
export interface ErrorEntry {
  readonly fault: 'data' | 'config' | 'external' | 'bug'
  readonly action: 'dead-letter' | 'retry' | 'stop'
  readonly says: string
  readonly advice: string
}
