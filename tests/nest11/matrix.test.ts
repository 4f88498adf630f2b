import { nestConfiguration } from '../nest12/configuration.ts'
import { nestHosting } from '../nest12/hosting.ts'
import { nestMatrix } from '../nest12/matrix.ts'
import { nestSecurity } from '../nest12/security.ts'

nestMatrix(11, import.meta.url)
nestConfiguration(11, import.meta.url)
nestHosting(11, import.meta.url)
nestSecurity(11, import.meta.url)
