import type { ErrorEntry } from './entry.ts'

export const rulesErrors = {
  RULE_STATE_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot track another key in a rule', advice: 'More keys than the bound of the task allows: a key of the registry table was left out. Raise the bound or add partitions.' },
  RULE_REORDER_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot hold another reading until the watermark', advice: 'More readings wait for the watermark than the buffer of `order: event` holds. Lower time.lateness, or evaluate in order of arrival.' },
  RULE_NAME: { fault: 'config', action: 'stop', says: 'Cannot make rule: it names what is not there', advice: 'A label must be a text signal (or a text column of the window), and a window must be defined.' },
  RULE_SUMMARY: { fault: 'config', action: 'stop', says: 'Cannot read summary', advice: 'Write {{name}} with the name of a signal, of a label, or `key`.' },
  RULE_OPTION: { fault: 'config', action: 'stop', says: 'Cannot make rule: an option is out of its range', advice: '`atLeast: [n, m]` wants 1 <= n <= m <= 1000; a rule has either `when` or `absent`.' },
} as const satisfies Record<string, ErrorEntry>
