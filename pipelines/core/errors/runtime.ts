import type { ErrorEntry } from './entry.ts'

export const runtimeErrors = {
  STATE_CORRUPT: { fault: 'external', action: 'stop', says: 'Cannot restore state: the snapshot is not what was written', advice: 'The bytes are cut short or changed. The previous snapshot or the retained input can rebuild the state.' },
  STATE_VERSION: { fault: 'config', action: 'stop', says: 'Cannot restore state: it was written by another version of the engine', advice: 'Drain with the version that wrote it, then start this one.' },
  STATE_STAGE: { fault: 'config', action: 'stop', says: 'Cannot restore state: a stage of the definition has changed', advice: 'A changed window (or the key of a source) cannot go on with the state it has. Name it with --reset to let it begin empty, or undo the change.' },
  STATE_LOST: { fault: 'external', action: 'stop', says: 'Cannot restore state: positions are committed but no snapshot is there', advice: 'The state topic was deleted or emptied. Restore it, or begin anew with an empty data folder.' },
  STATE_UNCOMMITTED: { fault: 'external', action: 'stop', says: 'Cannot restore state: a snapshot is there but no position is committed', advice: 'The lake was deleted, or is another one. Put it back; or let it be filled again from the first record that the log still holds, with --reset pond.' },
  STATE_JOURNAL: { fault: 'external', action: 'stop', says: 'Cannot restore state: the journal lacks what shaped the output', advice: 'The journal topic was deleted, emptied or damaged. Without it the state would differ from what was emitted. Restore it, or begin anew with an empty data folder.' },
  STATE_POSITION: { fault: 'external', action: 'stop', says: 'Cannot restore state: log start <= snapshot <= committed <= log end does not hold', advice: 'Input that the state still needs is gone (retention), or the log is another one. Nothing is skipped: begin anew with an empty data folder, or bring the log back.' },
  STATE_TOPIC: { fault: 'external', action: 'stop', says: 'Cannot restore state: the input topic was made anew', advice: 'Its offsets mean other records now. Begin anew with an empty data folder.' },
  STATE_DEFINITION: { fault: 'config', action: 'stop', says: 'Cannot start a changed definition: the one before it has not finished, and it names code', advice: 'After a crash the definition that wrote the state first processes what was committed. Start that one once and stop it with Ctrl-C, then start the changed one.' },
  SHUTDOWN_TIMEOUT: { fault: 'external', action: 'stop', says: 'Cannot finish in the time given for shutdown', advice: 'The log or the lake did not answer in time. What was committed stays; everything else comes again at the next start.' },
} as const satisfies Record<string, ErrorEntry>
