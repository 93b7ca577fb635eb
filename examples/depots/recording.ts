/**
 * A week of nine trucks until now, a reading a minute, as CSV on stdout: `node examples/depots/recording.ts > readings.csv`.
 * Trucks 2 and 7 are too warm for more than ten minutes, truck 5 for six minutes only.
 */
const minuteMs = 60_000
const weekMinutes = 7 * 24 * 60
const sites = ['Oslo', 'Bergen', 'Tromsø'] as const

/** Minutes from the start of the week, and how long. */
const warm: Readonly<Record<number, readonly { readonly from: number, readonly minutes: number }[]>> = {
  2: [{ from: 1_500, minutes: 35 }, { from: 6_000, minutes: 90 }],
  5: [{ from: 4_000, minutes: 6 }],
  7: [{ from: 8_200, minutes: 20 }],
}

const end = Math.floor(Date.now() / minuteMs) * minuteMs
let lines = 'truck,measuredAt,celsius,doorOpen,site\n'
for (let minute = 0; minute < weekMinutes; minute += 1) {
  const at = end - (weekMinutes - minute) * minuteMs
  for (let truck = 1; truck <= 9; truck += 1) {
    const isWarm = (warm[truck] ?? []).some(({ from, minutes }) => minute >= from && minute < from + minutes)
    const celsius = (isWarm ? 9.5 : 3.5) + Math.round(12 * Math.sin(minute / 97 + truck)) / 10 + truck % 3 / 2
    lines += `truck-${truck},${new Date(at).toISOString()},${celsius.toFixed(1)},${isWarm},${sites[truck % 3]}\n`
  }
  if (lines.length > 60_000) {
    process.stdout.write(lines)
    lines = ''
  }
}
process.stdout.write(lines)
