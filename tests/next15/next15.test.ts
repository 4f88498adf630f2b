import { fileURLToPath } from 'node:url'
import { nextMatrix } from './matrix.ts'

nextMatrix(15, fileURLToPath(new URL('.', import.meta.url)))
