/**
 * The units of measure that devices report, by their UCUM codes (case-sensitive).
 *
 * Source: The Unified Code for Units of Measure, https://ucum.org/ucum; values by its definitions, exact as decimals
 */

const powers = (base: bigint, sign: 1 | -1, list: string): (readonly [string, readonly [bigint, bigint]])[] => list.split(' ').map(entry => {
  const [code, exponent] = entry.split(':')
  const power = base ** BigInt(exponent!)
  return [code!, sign > 0 ? [power, 1n] : [1n, power]]
})

/** Powers of ten and of 1024 by UCUM prefix: [numerator, denominator]. */
export const prefixes: ReadonlyMap<string, readonly [bigint, bigint]> = new Map([
  ...powers(10n, 1, 'Y:24 Z:21 E:18 P:15 T:12 G:9 M:6 k:3 h:2 da:1'),
  ...powers(10n, -1, 'd:1 c:2 m:3 u:6 n:9 p:12 f:15 a:18 z:21 y:24'),
  ...powers(1024n, 1, 'Ki:1 Mi:2 Gi:3 Ti:4'),
])

/** Units that stand for a dimension of their own. Levels (B, Np, pH) are logarithms: comparable with themselves alone. */
export const baseUnits: readonly string[] = ['m', 's', 'g', 'rad', 'K', 'C', 'cd', 'B', 'Np', 'B[V]', 'B[mV]', 'B[uV]', 'B[W]', 'B[kW]', 'B[SPL]', '[pH]', '[iU]', '[CFU]']

/** Base units that take no prefix. */
export const baseWithoutPrefix: readonly string[] = ['[pH]', '[CFU]']

/** Units with a zero of their own: kelvin = scale * value + zero, as decimals or fractions. */
export const shiftedUnits: Readonly<Record<string, { readonly scale: string, readonly zero: string, readonly metric: boolean }>> = {
  'Cel': { scale: '1', zero: '273.15', metric: true },
  '[degF]': { scale: '5/9', zero: '45967/180', metric: false },
  '[degRe]': { scale: '5/4', zero: '273.15', metric: false },
}

/** One a line: code, value, definition; a star at the end: takes prefixes. */
export const derivedUnits = `
10* 10 1
10^ 10 1
[pi] 3.1415926535897932384626433832795028841971693993751 1
% 0.01 1
[ppth] 0.001 1
[ppm] 0.000001 1
[ppb] 0.000000001 1
[pptr] 0.000000000001 1
mol 602214076000000000000000 1 *
sr 1 rad2 *
Hz 1 s-1 *
N 1 kg.m/s2 *
Pa 1 N/m2 *
J 1 N.m *
W 1 J/s *
A 1 C/s *
V 1 J/C *
F 1 C/V *
Ohm 1 V/A *
S 1 Ohm-1 *
Wb 1 V.s *
T 1 Wb/m2 *
H 1 Wb/A *
lm 1 cd.sr *
lx 1 lm/m2 *
Bq 1 s-1 *
Gy 1 J/kg *
Sv 1 J/kg *
kat 1 mol/s *
gon 0.9 deg
deg 2 [pi].rad/360
' 1 deg/60
'' 1 '/60
l 1 dm3 *
L 1 l *
ar 100 m2 *
min 60 s
h 60 min
d 24 h
a_t 365.24219 d
a_j 365.25 d
a_g 365.2425 d
a 1 a_j
wk 7 d
mo_j 1 a_j/12
mo 1 mo_j
t 1000 kg *
bar 100000 Pa *
u 0.00000000000000000000000000166053906660 kg *
eV 0.0000000000000000001602176634 J *
pc 30856780000000000 m *
[c] 299792458 m/s *
[g] 9.80665 m/s2 *
[h] 0.000000000000000000000000000000000662607015 J.s *
[k] 0.00000000000000000000001380649 J/K *
[e] 0.0000000000000000001602176634 C *
gf 1 g.[g] *
[lbf_av] 1 [lb_av].[g]
dyn 1 g.cm/s2 *
erg 1 dyn.cm *
P 1 dyn.s/cm2 *
St 1 cm2/s *
G 0.0001 T *
Mx 0.00000001 Wb *
Oe 250 /[pi].A/m *
Gb 1 Oe.cm *
Ci 37000000000 Bq *
R 0.000258 C/kg *
RAD 100 erg/g *
REM 1 RAD *
[in_i] 2.54 cm
[ft_i] 12 [in_i]
[yd_i] 3 [ft_i]
[mi_i] 5280 [ft_i]
[fth_i] 6 [ft_i]
[nmi_i] 1852 m
[kn_i] 1 [nmi_i]/h
[sin_i] 1 [in_i]2
[sft_i] 1 [ft_i]2
[syd_i] 1 [yd_i]2
[cin_i] 1 [in_i]3
[cft_i] 1 [ft_i]3
[cyd_i] 1 [yd_i]3
[mil_i] 0.001 [in_i]
[acr_us] 4046.872609874252 m2
[gal_us] 231 [in_i]3
[bbl_us] 42 [gal_us]
[qt_us] 1 [gal_us]/4
[pt_us] 1 [qt_us]/2
[cup_us] 16 [tbs_us]
[foz_us] 1 [gal_us]/128
[gal_br] 4.54609 l
[pt_br] 1 [gal_br]/8
[qt_br] 1 [gal_br]/4
[foz_br] 1 [gal_br]/160
[gr] 64.79891 mg
[lb_av] 7000 [gr]
[oz_av] 1 [lb_av]/16
[ston_av] 2000 [lb_av]
[lton_av] 2240 [lb_av]
[oz_tr] 480 [gr]
[car_m] 0.2 g
[degR] 5 K/9
cal 4.184 J *
cal_IT 4.1868 J *
[Cal] 1 kcal
[Btu_th] 1.05435 kJ
[Btu] 1 [Btu_th]
[Btu_IT] 1055.05585262 J
[HP] 550 [ft_i].[lbf_av]/s
[psi] 1 [lbf_av]/[in_i]2
atm 101325 Pa
att 1 kgf/cm2
m[H2O] 9.80665 kPa *
m[Hg] 133.3220 kPa *
[in_i'H2O] 1 m[H2O].[in_i]/m
[in_i'Hg] 1 m[Hg].[in_i]/m
b 100 fm2
sb 1 cd/cm2 *
Lmb 1 cd/cm2/[pi] *
bit 1 1 *
By 8 bit *
Bd 1 /s *
eq 1 mol *
osm 1 mol *
[drp] 0.05 ml
[bu_us] 2150.42 [in_i]3
Gal 1 cm/s2 *
U 1 umol/min *
[NTU] 1 1
[FNU] 1 1
[IU] 1 [iU] *
mo_s 29.53059 d
mo_g 1 a_g/12
AU 149597.870691 Mm
[ly] 1 [c].a_j *
st 1 m3 *
mho 1 S *
tex 1 g/km *
[diop] 1 /m
[mesh_i] 1 /[in_i]
[ft_us] 1200 m/3937
[mi_us] 5280 [ft_us]
[stone_av] 14 [lb_av]
[scwt_av] 100 [lb_av]
[lcwt_av] 112 [lb_av]
[tbs_us] 1 [foz_us]/2
[tsp_us] 1 [tbs_us]/3
circ 2 [pi].rad
`

/** What people write, and the UCUM code for it. */
export const everydayNames: Readonly<Record<string, string>> = {
  '°C': 'Cel', '℃': 'Cel', 'degC': 'Cel', 'celsius': 'Cel', 'centigrade': 'Cel', '°F': '[degF]', '℉': '[degF]', 'degF': '[degF]', 'fahrenheit': '[degF]', 'kelvin': 'K',
  'psi': '[psi]', 'psig': '[psi]', 'inHg': "[in_i'Hg]", 'mmHg': 'mm[Hg]', 'cmH2O': 'cm[H2O]', 'mmH2O': 'mm[H2O]', 'pascal': 'Pa', 'mbar': 'mbar', 'ppm': '[ppm]', 'ppb': '[ppb]', 'percent': '%', 'RH': '%', '%RH': '%', 'pct': '%',
  'inch': '[in_i]', 'in': '[in_i]', 'ft': '[ft_i]', 'feet': '[ft_i]', 'foot': '[ft_i]', 'yd': '[yd_i]', 'yard': '[yd_i]', 'mi': '[mi_i]', 'mile': '[mi_i]', 'mph': '[mi_i]/h', 'kph': 'km/h', 'kmh': 'km/h', 'knot': '[kn_i]', 'knots': '[kn_i]', 'kt': '[kn_i]', 'mps': 'm/s', 'fps': '[ft_i]/s',
  'lb': '[lb_av]', 'lbs': '[lb_av]', 'pound': '[lb_av]', 'oz': '[oz_av]', 'ounce': '[oz_av]', 'ton': 't', 'kilogram': 'kg', 'gram': 'g', 'gal': '[gal_us]', 'gallon': '[gal_us]', 'gpm': '[gal_us]/min', 'lpm': 'l/min', 'cfm': '[cft_i]/min', 'liter': 'l', 'litre': 'l',
  'kWh': 'kW.h', 'Wh': 'W.h', 'MWh': 'MW.h', 'Ah': 'A.h', 'mAh': 'mA.h', 'VA': 'V.A', 'kVA': 'kV.A', 'var': 'V.A', 'VAr': 'V.A', 'hp': '[HP]', 'HP': '[HP]', 'BTU': '[Btu_IT]', 'Btu': '[Btu_IT]', 'volt': 'V', 'volts': 'V', 'amp': 'A', 'amps': 'A', 'ampere': 'A', 'watt': 'W', 'watts': 'W', 'ohm': 'Ohm', 'ohms': 'Ohm', 'Ω': 'Ohm',
  'rpm': '/min', 'RPM': '/min', 'hertz': 'Hz', 'hz': 'Hz', 'sec': 's', 'second': 's', 'seconds': 's', 'minute': 'min', 'minutes': 'min', 'hr': 'h', 'hour': 'h', 'hours': 'h', 'day': 'd', 'days': 'd', 'msec': 'ms', 'millisecond': 'ms', 'milliseconds': 'ms', 'week': 'wk', 'month': 'mo', 'year': 'a',
  '°': 'deg', 'degree': 'deg', 'degrees': 'deg', 'radian': 'rad', 'lux': 'lx', 'lumen': 'lm', 'dBA': 'dB[SPL]', 'dbm': 'dB', 'dBm': 'dB', 'pH': '[pH]', 'byte': 'By', 'bytes': 'By', 'kB': 'kBy', 'MB': 'MBy', 'GB': 'GBy', 'µm': 'um', 'μm': 'um', 'µs': 'us', 'μs': 'us', 'µg/m3': 'ug/m3', 'μg/m3': 'ug/m3', 'm³': 'm3', 'm²': 'm2', 'sqft': '[sft_i]', 'cuft': '[cft_i]', 'meter': 'm', 'metre': 'm', 'meters': 'm', 'count': '{count}', 'NTU': '[NTU]', 'FNU': '[FNU]', 'CFU': '[CFU]',
}
