// @ts-check
import { parentPort, workerData } from 'node:worker_threads'
import { inspectDatabase } from './database.mjs'

// Reads a whole file, which would block the loop for as long as that takes.

parentPort?.postMessage(await inspectDatabase(workerData.file, workerData.driver))
