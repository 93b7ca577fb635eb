import { kafkaSettings, openKafkaLog } from '../../../connectors/kafka/public.ts'
import type { ClockPort, LogPort } from '../../../pipelines/core/ports.ts'
import type { Brokers } from './brokers.ts'
import { type NetworkHooks, SimulatedWire } from './network.ts'

export interface ClientOptions {
  /** The client's clock; the network goes by that of the brokers. */
  readonly clock: ClockPort
  readonly hooks?: Partial<NetworkHooks>
  /** As Kafka names them. */
  readonly properties?: Readonly<Record<string, string>>
}

/** The connector for Kafka, all of it but the connections, on brokers in memory. */
export function openSimulatedLog (brokers: Brokers, { clock, hooks, properties }: ClientOptions): Promise<LogPort> {
  const wire = new SimulatedWire(brokers, brokers.clock, { latencyMs: () => 0, fate: () => ({ kind: 'served' }), noticeMs: () => 0, at: () => {}, ...hooks })
  return openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': 'broker:9092', 'session.timeout.ms': '6000', ...properties }), clock, wire })
}
