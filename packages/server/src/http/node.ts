/** Entry `@damson/server/node`. */
export * from './listen.ts'
export * from './listener.ts'
