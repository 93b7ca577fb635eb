import { alertsOfEvents } from '../kit/lake-writing.ts'
import { MemoryLake } from '../kit/memory-lake.ts'
import { type LakeUnderContract, lakeReadContract, lakeTailContract } from './lake-read.ts'

const memory: LakeUnderContract = { open: async (layout, { readings = [], rollups = {}, events = [] }) => new MemoryLake({ layout, readings, rollups, alerts: alertsOfEvents(events), pieceRows: 700 }) }
lakeReadContract('memory', memory)
lakeTailContract('memory', memory, { lakes: 12, questions: 25, devices: 8 })
