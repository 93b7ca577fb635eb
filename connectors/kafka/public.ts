/** What `millrace/connectors/kafka` exports. */
export { kafkaEnvironment, kafkaProperties, type KafkaSettings, kafkaSettings } from './config.ts'
export { openKafkaLog } from './log.ts'
