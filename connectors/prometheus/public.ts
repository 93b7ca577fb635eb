/** What `millrace/connectors/prometheus` exports. */
export { type Distribution, type Exposition, exposition, type Figure, type Sample } from './figures.ts'
export { type Monitor, type MonitorOptions, serveMonitor } from './server.ts'
