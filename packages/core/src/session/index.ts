export * from './lanes.ts'
export * from './reduce.ts'
export * from './session.ts'
export * from './timing.ts'
