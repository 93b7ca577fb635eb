import type { ErrorEntry } from './entry.ts'

export const runtimeErrors = {
  STATE_CORRUPT: { fault: 'external', action: 'stop', says: 'Cannot restore state: the snapshot is not what was written', advice: 'The bytes are cut short or changed. The previous snapshot or the retained input can rebuild the state.' },
  STATE_VERSION: { fault: 'config', action: 'stop', says: 'Cannot restore state: it was written by another version of the engine', advice: 'Drain with the version that wrote it, then start this one.' },
  STATE_STAGE: { fault: 'config', action: 'stop', says: 'Cannot restore state: a stage of the definition has changed', advice: 'Drain with the definition that wrote the state, or name the stage to reset.' },
} as const satisfies Record<string, ErrorEntry>
