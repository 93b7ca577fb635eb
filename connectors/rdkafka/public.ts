/** What `millrace/connectors/rdkafka` exports. */
export { rdkafkaProperties, type RdkafkaSettings, rdkafkaSettings } from './config.ts'
export { openRdkafkaLog, type RdkafkaLogSettings, type TopicAdmin } from './log.ts'
