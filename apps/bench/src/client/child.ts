import { DRIVERS } from './drivers.ts'

/** What a process of its own measured for one library. */
export interface Measured {
  /** Median of a hundred calls at a time. Nanoseconds. */
  readonly callNs: number
  /** Heap that the queued events keep. Bytes each. */
  readonly bytesPerEvent: number
  /** Processor time until the library says that all is delivered. Microseconds per event. */
  readonly cpuMicroseconds: number
  /** From the start of the process to the first call. */
  readonly startUpMs: number
}

const [name = '', task = '', count = '0', origin = ''] = process.argv.slice(2)
const events = Number(count)
const collectGarbage = (globalThis as { gc?: () => void }).gc
if (collectGarbage === undefined) throw new Error('run it with --expose-gc')
const driver = await DRIVERS[name]?.({ origin, isQueueOnly: task === 'queue' })
if (driver === undefined) throw new Error(`no driver for ${name}`)

const GROUP = 100
const startUpMs = process.uptime() * 1000
const cpuBefore = process.cpuUsage()
collectGarbage()
const heapBefore = process.memoryUsage().heapUsed
const groups: number[] = []
for (let index = 0; index < events; index += GROUP) {
  const begin = process.hrtime.bigint()
  for (let each = index; each < index + GROUP; each += 1) driver.track(each)
  groups.push(Number(process.hrtime.bigint() - begin) / GROUP)
  // A server does other things in between; a library that works in later turns does so here.
  if (task === 'deliver' && index % (50 * GROUP) === 0) await new Promise((resolve) => setImmediate(resolve))
}
groups.sort((a, b) => a - b)
let bytesPerEvent = 0
if (task === 'queue') {
  await new Promise((resolve) => setTimeout(resolve, 200))
  collectGarbage()
  bytesPerEvent = (process.memoryUsage().heapUsed - heapBefore) / events
} else await driver.end()
const cpu = process.cpuUsage(cpuBefore)
const measured: Measured = {
  callNs: groups[groups.length >> 1] ?? 0,
  bytesPerEvent,
  cpuMicroseconds: (cpu.user + cpu.system) / events,
  startUpMs,
}
process.stdout.write(`${JSON.stringify(measured)}\n`)
process.exit(0)
