/** What `millrace/connectors/embedded` exports. */
export { machineClock } from './clock.ts'
export { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './log.ts'
export { embeddedRegistry } from './registry.ts'
