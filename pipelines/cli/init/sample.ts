/**
 * A made-up recording for a project without data of its own: three cold rooms over a day, one of which fails in the afternoon.
 * Deterministic.
 */
export function sampleCsv (): string {
  const lines = ['timestamp,device,celsius,door_open']
  const start = Date.UTC(2026, 0, 15)
  for (let minute = 0; minute < 24 * 60; minute += 5) {
    for (const [i, device] of ['room-a', 'room-b', 'room-c'].entries()) {
      const wave = Math.sin((minute + i * 37) / 45) * 0.6
      const failing = device === 'room-b' && minute >= 900 && minute < 1080 ? Math.min(9, (minute - 900) / 15) : 0
      lines.push(`${new Date(start + minute * 60_000).toISOString()},${device},${(4 + wave + failing).toFixed(2)},${(minute + i * 25) % 120 === 0}`)
    }
  }
  return `${lines.join('\n')}\n`
}
