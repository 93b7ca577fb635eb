/** CSV files as people have them, each with what makes it hard. */
export interface CsvFile { readonly name: string, readonly text: string, readonly fields: readonly string[], readonly deadLetters: number, readonly rows: number }

const minute = (i: number) => new Date(Date.UTC(2026, 0, 15, 0, i)).toISOString()
const many = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i)).join('\n')

export const csvFiles: readonly CsvFile[] = [
  {
    name: 'ragged lines', fields: ['timestamp', 'device', 'temp_c'], deadLetters: 3, rows: 63,
    text: `timestamp,device,temp_c\n${many(30, i => `${minute(i)},a,${i % 7}\n${minute(i)},b,${i % 5}`)}\n${minute(40)},a\n${minute(41)},a,1,2\nrubbish\n`,
  },
  {
    name: 'byte order mark, CRLF, quotes, empty cells', fields: ['time', 'sensor_name', 'humidity', 'note'], deadLetters: 0, rows: 40,
    text: `\uFEFF"time","sensor name","humidity (%)","note"\r\n`.replace('sensor name', 'sensor_name').replace('humidity (%)', 'humidity') + many(40, i => `"${minute(i)}","north, ""upper"" wall",${i % 4 === 0 ? '' : 40 + i % 9},${i % 3 === 0 ? '' : `"line ${i}"`}`).replaceAll('\n', '\r\n'),
  },
  {
    name: 'odd header names', fields: ['Date_Time', 'Temperature_C', '_2nd_value', 'column_4', 'source_1', 'key_1', 'null_1', 'Temp', 'temp_1'], deadLetters: 0, rows: 40,
    text: `Date/Time,Température (°C),2nd value,温度,source,key,null,Temp,temp\n${many(40, i => `${minute(i)},${(20 + i / 10).toFixed(1)},${i},${i % 3},${i % 2 ? 'x' : 'y'},k${i % 2},${i % 4},${i * 2 % 5},${i * 3 % 5}`)}\n`,
  },
  { name: 'epoch seconds', fields: ['ts', 'machine', 'volts'], deadLetters: 0, rows: 40, text: `ts,machine,volts\n${many(40, i => `${1_768_435_200 + i * 10},${i % 2 + 1},${220 + i % 6}`)}\n` },
  { name: 'epoch seconds with fractions', fields: ['epoch', 'id', 'x'], deadLetters: 0, rows: 40, text: `epoch,id,x\n${many(40, i => `${1_768_435_200 + i * 10}.5,${i % 2 + 1},${i % 6}`)}\n` },
  { name: 'epoch nanoseconds', fields: ['ts', 'x'], deadLetters: 0, rows: 40, text: `ts,x\n${many(40, i => `${1_768_435_200_000_000_000n + BigInt(i) * 1_000_000_001n},${i % 6}`)}\n` },
  { name: 'semicolons, missing times and words for nothing', fields: ['at_1', 'pump', 'bar', 'running'], deadLetters: 2, rows: 42, text: `at;pump;bar;running\n${many(40, i => `${minute(i).slice(0, 19).replace('T', ' ')};p${i % 2};${i % 5 === 0 ? 'NA' : 3 + i % 4};${i % 2 === 0}`)}\n;p1;3;true\n;p0;NaN;false\n` },
  { name: 'newest first', fields: ['timestamp', 'value'], deadLetters: 0, rows: 60, text: `timestamp,value\n${many(60, i => `${minute(60 - i)},${i % 11}`)}\n` },
  { name: 'one device after the other', fields: ['device', 'timestamp', 'value'], deadLetters: 0, rows: 60, text: `device,timestamp,value\n${many(60, i => `d${i < 30 ? 1 : 2},${minute(i % 30)},${i % 11}`)}\n` },
  { name: 'nothing but texts', fields: ['timestamp', 'door', 'state'], deadLetters: 0, rows: 40, text: `timestamp,door,state\n${many(40, i => `${minute(i)},d${i % 3},${i % 2 ? 'open' : 'shut'}`)}\n` },
  { name: 'a value that never changes', fields: ['timestamp', 'value', 'other'], deadLetters: 0, rows: 40, text: `timestamp,value,other\n${many(40, i => `${minute(i)},7,${i % 2}`)}\n` },
  { name: 'one row', fields: ['timestamp', 'value'], deadLetters: 0, rows: 1, text: `timestamp,value\n${minute(1)},7\n` },
  { name: 'a column called device that is empty here and there', fields: ['timestamp', 'device', 'value'], deadLetters: 0, rows: 40, text: `timestamp,device,value\n${many(40, i => `${minute(i)},${i % 2 ? '' : 'a'},${i}`)}\n` },
]
