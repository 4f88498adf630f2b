export { folderOutbox, type FolderOutboxOptions } from './folder-outbox.ts'
