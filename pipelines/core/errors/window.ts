import type { ErrorEntry } from './entry.ts'

export const windowErrors = {
  WINDOW_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot open another window pane', advice: 'More panes are open than the bound allows: lower lateness, or raise the bound.' },
  WINDOW_SIGNAL: { fault: 'config', action: 'stop', says: 'Cannot keep a statistic of a signal', advice: 'The window names a signal that the pipeline does not have, or a statistic that does not fit its kind: sum, mean, min, max, stddev, delta, rate and quantile read numbers.' },
  WINDOW_STATISTIC: { fault: 'config', action: 'stop', says: 'Cannot go on with a statistic of the definition', advice: 'A function of the named statistic threw, or its result is of another kind than it declares. The same reading would fail again: mend the function and start anew.' },
} as const satisfies Record<string, ErrorEntry>
