import type { ErrorEntry } from './entry.ts'

export const lakeErrors = {
  LAKE_UNKNOWN: { fault: 'config', action: 'stop', says: 'Cannot read the lake: it has nothing of this name', advice: 'Signals, windows and labels are named as in the definition; a window is in the lake when `lake.rollups` names it. The message says which names there are.' },
  LAKE_ASK: { fault: 'config', action: 'stop', says: 'Cannot answer this question to the lake', advice: 'The message says what does not fit: a range that ends before it begins, a statistic that the kind of signal does not have, a resolution that the asked window cannot give.' },
  LAKE_LIMIT: { fault: 'config', action: 'stop', says: 'Cannot answer: the result would not fit into memory', advice: 'Groups times intervals is bounded. Ask for a coarser resolution, a shorter range, fewer groups, or by key: rows of a key are given out as soon as they are complete.' },
  LAKE_SKETCH: { fault: 'external', action: 'stop', says: 'Cannot read a sketch of the lake', advice: 'The bytes are not what was written, or a later version of Millrace wrote them: the message says which. Repair the table from a replica, or read with the newer version; statistics that need no sketch are not touched.' },
  LAKE_EXPORT: { fault: 'external', action: 'stop', says: 'Cannot write the file', advice: 'The folder is not there, not yours to write to, or full. Nothing was left behind under the name of the file.' },
} as const satisfies Record<string, ErrorEntry>
