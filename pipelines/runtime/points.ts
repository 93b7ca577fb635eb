/**
 * Between two steps whose order matters: where a process may die. A test ends one at each of these, and looks at what the next one makes of what is
 * left. Everything that goes over the network has points of its own in the network of the simulation.
 */
export const points = [
  'join.before', 'join.after',
  'restore.before', 'restore.snapshot', 'restore.played', 'restore.saved',
  'takeover.applied', 'takeover.committed', 'takeover.saved',
  'apply.before', 'apply.step', 'apply.after', 'tick.before', 'tick.after', 'schema.asked',
  'ahead.before', 'ahead.sent', 'commit.before', 'commit.sent', 'commit.after',
  'snapshot.due', 'snapshot.copied', 'snapshot.committed', 'snapshot.written', 'trim.before', 'trim.after',
  'release.asked', 'release.committed', 'release.saved', 'release.done',
  'drain.before', 'drain.committed', 'drain.saved', 'leave.before',
] as const

export type Point = typeof points[number]
/** Called as a process comes to a point; what it throws ends the leg. Absent outside tests. */
export type At = ((point: Point) => void) | undefined
