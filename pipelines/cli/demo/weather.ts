import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Temperature outside by the hour of the year. */
export interface Weather {
  readonly name: string
  /** Degrees Celsius; `hours` since the first normal (1 January, 01:00), fractions between two of them, round the year. */
  celsius (hours: number): number
}

const dataFile = '../data/seattle-weather-hourly-normals.csv'
const hoursOfYear = 8760

/**
 * Hourly normals of Seattle.
 *
 * Source: NOAA's 1981-2010 climate normals as the package vega-datasets carries them; where it is not installed, a curve of
 *         the same mean, season and day
 */
export function loadWeather (): Weather {
  try {
    return parseWeather(readFileSync(fileURLToPath(new URL(dataFile, import.meta.resolve('vega-datasets'))), 'utf8'))
  } catch {
    return curve
  }
}

/** From CSV with the columns date and temperature, hour by hour. */
export function parseWeather (csv: string): Weather {
  const [head, ...lines] = csv.trim().split(/\r?\n/)
  const place = head!.split(',').indexOf('temperature')
  const hourly = Float64Array.from(lines, line => Number(line.split(',')[place]))
  if (place < 0 || hourly.length === 0 || hourly.some(Number.isNaN)) throw new RangeError('a weather file has a column of temperatures')
  return {
    name: 'hourly normals of Seattle',
    celsius (hours) {
      const at = (hours % hourly.length + hourly.length) % hourly.length
      const hour = Math.floor(at)
      return hourly[hour]! + (hourly[(hour + 1) % hourly.length]! - hourly[hour]!) * (at - hour)
    },
  }
}

const curve: Weather = {
  name: 'a curve like Seattle',
  celsius: hours => 11.3 - 7 * Math.cos((hours / hoursOfYear - 0.05) * 2 * Math.PI) - 4 * Math.cos((hours % 24 - 4) / 24 * 2 * Math.PI),
}
