/** What `millrace/connectors/kafkajs` exports. */
export { kafkajsProperties, type KafkajsSettings, kafkajsSettings } from './config.ts'
export { type KafkajsLogSettings, openKafkajsLog } from './log.ts'
