import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const avro = JSON.stringify({
  type: 'record', name: 'Room', fields: [
    { name: 'room', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'celsius', type: ['null', 'double'], default: null, unit: 'Cel' },
  ],
})
export const rooms = `name: rooms
source: { contract: room.avsc, key: room, time: { field: at } }
time: { lateness: 5s, futureMax: 100000d }
windows:
  minute: { tumbling: 1m, keep: { mean: { mean: celsius }, n: count } }
rules:
  warm: { when: celsius > 8.0, clear: celsius < 7.0, severity: critical }
control: { topic: rooms.control }
`
/** Of the definition above: the alert is raised at 2 s and cleared at 61 s; the last line comes after its minute. */
export const readings = [
  { room: 'a', at: 1_000, celsius: 4 },
  { room: 'a', at: 2_000, celsius: 9 },
  { room: 'b', at: 3_000, celsius: null },
  { room: 'a', at: 61_000, celsius: 6 },
  { room: 'b', at: 70_000, celsius: 5 },
  { room: 'b', at: 4_000, celsius: 5 },
] as const
export const asLines = (objects: readonly object[]) => objects.map(object => `${JSON.stringify(object)}\n`).join('')

/** A folder with the definition above; removed after the tests. */
export function roomsFolder (): { readonly folder: string, readonly definition: string, readonly write: (name: string, text: string) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  after(() => { rmSync(folder, { recursive: true, force: true }) })
  const write = (name: string, text: string) => { const file = join(folder, name); writeFileSync(file, text); return file }
  write('room.avsc', avro)
  return { folder, definition: write('rooms.yaml', rooms), write }
}
