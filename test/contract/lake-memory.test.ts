import { alertsOfEvents } from '../kit/lake-writing.ts'
import { MemoryLake } from '../kit/memory-lake.ts'
import { lakeReadContract } from './lake-read.ts'

lakeReadContract('memory', { open: async (layout, { readings = [], rollups = {}, events = [] }) => new MemoryLake({ layout, readings, rollups, alerts: alertsOfEvents(events), pieceRows: 700 }) })
