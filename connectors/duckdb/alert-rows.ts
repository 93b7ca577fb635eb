import type { LakeAlert, LakeRow } from '../../pipelines/core/lake-ports.ts'

const times = ['raised_at', 'raised_arrival', 'cleared_at', 'updated_at', 'expires_at']
/** Of the alerts table, for SELECT. */
export const alertColumns = ['alert_id', 'rule', 'rule_version', 'key', 'severity', 'state', 'seq', 'ordinal', 'reason', 'labels', 'summary', ...times, 'mode', '"values"', 'units', '"window"', 'topic', '"partition"', '"offset"'].join(', ')

export function alertOf (row: LakeRow, pipeline: string): LakeAlert {
  return {
    alertId: text(row.alert_id), pipeline, rule: text(row.rule), ruleVersion: text(row.rule_version), key: text(row.key), severity: row.severity as LakeAlert['severity'], state: row.state as LakeAlert['state'], seq: Number(row.seq), ordinal: Number(row.ordinal),
    reason: row.reason as string | null, labels: json(row.labels) as LakeAlert['labels'], summary: row.summary as string | null, mode: row.mode as LakeAlert['mode'],
    raisedAt: Number(row.raised_at), raisedArrival: time(row.raised_arrival), clearedAt: time(row.cleared_at), updatedAt: Number(row.updated_at), expiresAt: time(row.expires_at),
    values: json(row.values) as LakeAlert['values'], units: json(row.units) as LakeAlert['units'], window: json(row.window) as LakeAlert['window'],
    source: { topic: text(row.topic), partition: Number(row.partition), offset: Number(row.offset) },
  }
}

const text = (cell: LakeRow[string] | undefined) => String(cell)
const time = (cell: LakeRow[string] | undefined) => typeof cell === 'number' ? cell : null
const json = (cell: LakeRow[string] | undefined): unknown => typeof cell === 'string' ? JSON.parse(cell) : null
