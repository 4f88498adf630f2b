export * from './mount-conformance.ts'
export * from './store-conformance.ts'
