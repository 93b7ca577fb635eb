import type { ErrorEntry } from './entry.ts'

export const connectorErrors = {
  LOG_LOCKED: { fault: 'external', action: 'stop', says: 'Cannot open the data folder: another process holds it', advice: 'Stop the other process, or use another folder with --data.' },
  LOG_FENCED: { fault: 'external', action: 'stop', says: 'Cannot commit: another member has taken over the group', advice: 'Another process or a newer run of this one leads the group now. Nothing of this commit was written. Let the newer one go on, or stop it and start again.' },
  LOG_OUT_OF_RANGE: { fault: 'external', action: 'stop', says: 'Cannot fetch: the log does not hold this offset', advice: 'Retention deleted the records, or the topic was made anew. Nothing is skipped on its own: raise the retention, or reset the pipeline to a position that exists.' },
  LOG_TOPIC_UNKNOWN: { fault: 'config', action: 'stop', says: 'Cannot find the topic or partition', advice: 'Create the topic, or correct its name.' },
  LOG_TOPIC_DIFFERS: { fault: 'config', action: 'stop', says: 'Cannot create the topic: it exists with other settings', advice: 'Partitions, cleanup and timestamps of a topic do not change. Use another name, or delete the topic.' },
  LOG_NAME: { fault: 'config', action: 'stop', says: 'Cannot use a name or a number of partitions', advice: 'Topics are named as Kafka names them: letters, digits, dots, underscores and hyphens, at most 249 characters.' },
  LOG_BATCH_REFUSED: { fault: 'bug', action: 'stop', says: 'Cannot append: the bytes are not one acceptable record batch', advice: 'The log takes whole record batches of version 2, uncompressed, with a right checksum, within its limit; in a compacted topic every record has a key.' },
  LOG_CORRUPT: { fault: 'external', action: 'stop', says: 'Cannot read the log: a stored batch is damaged', advice: 'The disk gave back other bytes than were written. Nothing past them was read. Restore the folder from a copy, or reset the pipeline to a position after the damage.' },
  LOG_FOREIGN: { fault: 'config', action: 'stop', says: 'Cannot open the data folder: it is not one of Millrace', advice: 'The folder holds files of something else. Name another folder with --data.' },
  LOG_DAMAGED: { fault: 'external', action: 'stop', says: 'Cannot open the data folder: its file is cut short or overwritten', advice: 'The file is shorter than what was committed to it, or its head is not readable. A crash of Millrace does not do this; a full disk, a copy of a running folder or another program does. Restore it from a copy, or move it away and begin anew.' },
  LOG_VERSION: { fault: 'config', action: 'stop', says: 'Cannot open the data folder: it was written by another version', advice: 'Use the version of Millrace that wrote it, or a newer one that says it reads this format.' },
  LOG_ABSENT: { fault: 'config', action: 'stop', says: 'Cannot open the data folder for reading: there is no log in it', advice: 'Start `millrace dev` or `millrace run` on the folder first, or name the right one with --data.' },
  LOG_READ_ONLY: { fault: 'bug', action: 'stop', says: 'Cannot write: the log was opened for reading', advice: 'Only the process that holds the folder writes to it.' },
  LOG_UNAVAILABLE: { fault: 'external', action: 'retry', says: 'Cannot write to the data folder', advice: 'Usually a full disk. Nothing of the failed step was written; it is tried again.' },
  LOG_QUEUE_FULL: { fault: 'bug', action: 'stop', says: 'Cannot append: more is waiting to be written than the bound allows', advice: 'The caller appends without waiting for earlier appends.' },
  LOG_CLOSED: { fault: 'bug', action: 'stop', says: 'Cannot use the log: it is closed', advice: 'Something went on working after shutdown.' },
  REGISTRY_SCHEMA: { fault: 'config', action: 'stop', says: 'Cannot register schema: it is not Avro JSON', advice: 'The text must be JSON: an object with a `type`, a list of types, or the name of a type.' },
  LAKE_LOCKED: { fault: 'external', action: 'stop', says: 'Cannot open the lake: another process holds its file', advice: 'DuckDB lets one process at a time open a file. Stop the pipeline that writes it, or ask the lake through that process (`millrace dev` keeps it open).' },
  LAKE_UNAVAILABLE: { fault: 'external', action: 'retry', says: 'Cannot use the lake', advice: 'The database reported an error, usually a full disk. Nothing of the failed step was written; the pond goes back to what it last committed and tries again.' },
  LAKE_LAYOUT: { fault: 'config', action: 'stop', says: 'Cannot lay out the lake: a name or type clashes', advice: 'Names become snake_case columns and tables: rename one of the two. A signal whose kind has changed needs another name, or another lake.' },
} as const satisfies Record<string, ErrorEntry>
