import { fileURLToPath } from 'node:url'
import { nextMatrix } from '../next15/matrix.ts'

nextMatrix(16, fileURLToPath(new URL('.', import.meta.url)))
