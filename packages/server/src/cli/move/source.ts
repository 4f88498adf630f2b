import { join } from 'node:path'
import { DamsonError } from '@damson/core'
import type { Begun, Changes, MoveCall, Rest, States, Wanted } from '../../store/moving.ts'
import { sqliteStore } from '../../store/sqlite/index.ts'
import { type Control, remoteControl } from '../control.ts'

/** The folder that is copied, whoever has it: its server, or we. */
export interface Source {
  /** A server has it and goes on answering. */
  readonly isServed: boolean
  begin(id: string): Promise<Begun>
  page(after: number, limit: number): Promise<States>
  states(wanted: readonly Wanted[]): Promise<States>
  changes(after: number, limit: number): Promise<Changes>
  rest(): Promise<Rest>
  /** From now on the server answers 503. Ends with this process, and after a minute. */
  hold(): Promise<void>
  release(): Promise<void>
  /** The folder is not opened again. */
  finish(to: string, at: number): Promise<void>
  undo(): Promise<void>
  close(): Promise<void>
}

export async function openSource(folder: string): Promise<Source> {
  try {
    const store = await sqliteStore({ file: join(folder, 'damson.db'), isForMove: true })
    return sourceOf(store, false, () => store.close())
  } catch (error) {
    if (!DamsonError.isInstance(error, 'STORE_LOCKED')) throw error
    const server = await remoteControl(folder).catch(() => {
      // Nobody listens there: whoever has the folder is no server, and has to be stopped.
      throw error
    })
    return sourceOf(server, true, async () => server.close())
  }
}

/** The same over anything that takes the calls of a move. */
export function sourceOf({ move }: Pick<Control, 'move'>, isServed: boolean, close: () => Promise<void>): Source {
  const ask = async <T>(call: MoveCall): Promise<T> => JSON.parse(await move(call)) as T
  return {
    isServed,
    begin: (id) => ask({ ask: 'begin', id }),
    page: (after, limit) => ask({ ask: 'page', after, limit }),
    states: (wanted) => ask({ ask: 'states', wanted }),
    changes: (after, limit) => ask({ ask: 'changes', after, limit }),
    rest: () => ask({ ask: 'rest' }),
    hold: () => ask({ ask: 'hold' }),
    release: () => ask({ ask: 'release' }),
    finish: (to, at) => ask({ ask: 'finish', to, at }),
    undo: () => ask({ ask: 'undo' }),
    close,
  }
}
