import { SingleBar } from 'cli-progress'
import type { Terminal } from '../terminal.ts'
import type { Progress } from './mover.ts'

/** Without a screen, a line is printed each time another tenth is done. */
const TENTHS = 10

/** A bar where a person looks, lines where nobody does. */
export function createProgress({ screen, print }: Terminal): Progress {
  let bar: SingleBar | null = null
  let [what, done, total, tenths] = ['', 0, 0, 0]

  function tenthsDone(): number {
    return total === 0 ? TENTHS : Math.floor((Math.min(done, total) / total) * TENTHS)
  }

  return {
    begin(part, already, all) {
      ;[what, done, total] = [part, already, all]
      tenths = tenthsDone()
      if (screen === null) return
      const format = `{bar} {percentage} % {value} of {total} users ${part}, {eta_formatted} left`
      bar = new SingleBar({ format, stream: screen, clearOnComplete: true, hideCursor: true })
      bar.start(all, already)
    },
    step(users) {
      done += users
      // Users who came meanwhile are more than were counted at first.
      if (done > total) bar?.setTotal((total = done))
      bar?.update(done)
      if (bar !== null || tenthsDone() === tenths || tenthsDone() === TENTHS) return
      tenths = tenthsDone()
      print(`${done} of ${total} users ${what}.`)
    },
    end() {
      bar?.stop()
      bar = null
      if (what === '') return
      print(`${done} users ${what}.`)
      what = ''
    },
    say: print,
  }
}
