export * from './test-server.ts'
export { contentDecider, type Somebody } from './content.ts'
