import { arktis } from '../../../schemas/cold-chain/arktis.v1.ts'
import { device } from '../../../schemas/cold-chain/device.v1.ts'
import { polar } from '../../../schemas/cold-chain/polar.v1.ts'
import { tundra } from '../../../schemas/cold-chain/tundra.v1.ts'
import type { Contract } from '../../../schemas/contract.ts'
import type { ClockPort, LogPort, RegistryPort } from '../../core/ports.ts'
import { createEncoder } from '../../decode/encode.ts'
import { Driver, type DriverTopic } from './driver.ts'
import { createFleet } from './fleet.ts'
import type { Model } from './models.ts'

export interface DemoOptions {
  readonly log: LogPort
  readonly registry: RegistryPort
  readonly clock: ClockPort
  readonly trucks?: number
  readonly seed?: number
  /** Of a topic that is not there yet. */
  readonly partitions?: number
  /** Mean time between two records that nobody can read; null: none. */
  readonly poisonEveryMs?: number | null
}

export const demoDefaults = { trucks: 300, seed: 42, partitions: 2, poisonEveryMs: 4_000 } as const
/** Where the devices send, whatever a definition reads: an edited definition does not change the trucks. */
export const demoTopics: Readonly<Record<Model, string>> = { polar: 'fleet.polar', arktis: 'fleet.arktis', tundra: 'fleet.tundra' }
export const deviceTopic = 'fleet.devices'

/**
 * The demo's fleet on a log: its topics are made where they are missing, its contracts registered, its devices introduced.
 *
 * Shape:  then `run(signal)` until the signal aborts; `driven` counts, `burst` speeds up
 */
export async function openDemo (options: DemoOptions): Promise<Driver> {
  const { log, registry, clock, trucks, seed, partitions, poisonEveryMs } = { ...demoDefaults, ...options }
  const open = async <T>(topic: string, { subject, schema }: Contract<T>, cleanup: 'delete' | 'compact'): Promise<DriverTopic> => {
    if (await log.topic(topic) === null) await log.createTopic({ name: topic, partitions: cleanup === 'compact' ? 1 : partitions, cleanup, retentionMs: null, timestamps: 'LogAppendTime' })
    return { topic, encode: createEncoder(schema, await registry.register(subject, schema)) }
  }
  const sources = {
    polar: await open(demoTopics.polar, polar, 'delete'), arktis: await open(demoTopics.arktis, arktis, 'delete'), tundra: await open(demoTopics.tundra, tundra, 'delete'),
  }
  const driver = new Driver({ fleet: createFleet({ trucks, seed, startMs: clock.wallMs() }), seed, sources, devices: await open(deviceTopic, device, 'compact'), log, clock, poisonEveryMs })
  await driver.introduce()
  return driver
}
