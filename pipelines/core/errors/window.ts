import type { ErrorEntry } from './entry.ts'

export const windowErrors = {
  WINDOW_FULL: { fault: 'data', action: 'dead-letter', says: 'Cannot open another window pane', advice: 'More panes are open than the bound allows: lower lateness, or raise the bound.' },
} as const satisfies Record<string, ErrorEntry>
