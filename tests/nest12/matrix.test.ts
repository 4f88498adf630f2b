import { nestConfiguration } from './configuration.ts'
import { nestHosting } from './hosting.ts'
import { nestMatrix } from './matrix.ts'
import { nestSecurity } from './security.ts'

nestMatrix(12, import.meta.url)
nestConfiguration(12, import.meta.url)
nestHosting(12, import.meta.url)
nestSecurity(12, import.meta.url)
