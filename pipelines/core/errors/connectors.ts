import type { ErrorEntry } from './entry.ts'

export const connectorErrors = {
  LOG_LOCKED: { fault: 'external', action: 'stop', says: 'Cannot open the data folder: another process holds it', advice: 'Stop the other process, or use another folder with --data.' },
  LOG_FENCED: { fault: 'external', action: 'stop', says: 'Cannot commit: another member has taken over the group', advice: 'Another process or a newer run of this one leads the group now. Nothing of this commit was written. Let the newer one go on, or stop it and start again.' },
  LOG_OUT_OF_RANGE: { fault: 'external', action: 'stop', says: 'Cannot fetch: the log does not hold this offset', advice: 'Retention deleted the records, or the topic was made anew. Nothing is skipped on its own: raise the retention, or reset the pipeline to a position that exists.' },
  LOG_TOPIC_UNKNOWN: { fault: 'config', action: 'stop', says: 'Cannot find the topic or partition', advice: 'Create the topic, or correct its name.' },
  LOG_TOPIC_DIFFERS: { fault: 'config', action: 'stop', says: 'Cannot create the topic: it exists with other settings', advice: 'Partitions, cleanup and timestamps of a topic do not change. Use another name, or delete the topic.' },
  LOG_BATCH_REFUSED: { fault: 'bug', action: 'stop', says: 'Cannot append: the bytes are not one uncompressed record batch', advice: 'The log takes whole record batches of version 2, uncompressed, with a right checksum, within its limit.' },
} as const satisfies Record<string, ErrorEntry>
