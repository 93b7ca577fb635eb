/** Mean radius of the earth (IUGG), metres. */
const earthRadius = 6_371_008.8
const radians = Math.PI / 180

/**
 * Great-circle distance on a sphere; within 0.6 % of the ellipsoid's.
 *
 * Units:  degrees in, metres out; NaN when any is unknown
 * Source: haversine formula
 */
export function distance (lat1: number, lon1: number, lat2: number, lon2: number): number {
  const dLat = Math.sin((lat2 - lat1) * radians / 2)
  const dLon = Math.sin((lon2 - lon1) * radians / 2)
  const h = dLat * dLat + Math.cos(lat1 * radians) * Math.cos(lat2 * radians) * dLon * dLon
  return 2 * earthRadius * Math.asin(Math.sqrt(Math.min(h, 1)))
}

/**
 * Whether a point lies in a polygon of `[lat, lon]` corners, edges straight in degrees, closed by itself. A polygon may
 * cross the date line but not enclose a pole. 0 no, 1 yes, 2 unknown.
 *
 * Source: crossing number; a point on a western or southern edge is inside, on an eastern or northern one outside
 */
export function insideOf (corners: readonly (readonly [number, number])[]): (lat: number, lon: number) => number {
  const origin = corners[0]![1]
  const lats = Float64Array.from(corners, ([lat]) => lat)
  const lons = new Float64Array(corners.length)
  for (let i = 1; i < corners.length; i += 1) lons[i] = lons[i - 1]! + wrapped(corners[i]![1] - corners[i - 1]![1])
  const west = lons.reduce((a, b) => Math.min(a, b))
  return (lat, lon) => {
    if (!Number.isFinite(lat) || !Number.isFinite(lon)) return 2
    const x = west + (((lon - origin - west) % 360) + 360) % 360
    let inside = 0
    for (let i = 0, j = lats.length - 1; i < lats.length; j = i, i += 1) {
      const a = lats[i]!
      const b = lats[j]!
      if ((a > lat) !== (b > lat) && x < (lons[j]! - lons[i]!) * (lat - a) / (b - a) + lons[i]!) inside ^= 1
    }
    return inside
  }
}

/** A difference of longitudes, the short way round. */
const wrapped = (degrees: number) => ((degrees + 180) % 360 + 360) % 360 - 180
