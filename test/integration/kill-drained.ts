import type { Engine } from '../../pipelines/cli/engine.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'

/** Whether both legs have processed everything that is in the log now. What a leg itself knows of the end of its input may be old. */
export async function haveReadAll ({ race, pond }: Engine, log: LogPort): Promise<boolean> {
  const tasks = [race!, pond!].flatMap(({ status }) => status.health.tasks())
  const ends = await Promise.all(tasks.map(({ topic, partition }) => log.range(topic, partition)))
  return tasks.length > 0 && tasks.every(({ position }, index) => position === ends[index]!.end)
}
