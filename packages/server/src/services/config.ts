import { DamsonError } from '@damson/core'
import { z } from 'zod'
import { addressRanges } from './addresses.ts'
import { rateTableSchema } from './rates.ts'

const range = z.string().superRefine((text, context) => {
  try {
    addressRanges([text])
  } catch (error) {
    if (!DamsonError.isInstance(error, 'ADDRESS_RANGE_INVALID')) throw error
    context.addIssue({ code: 'custom', message: error.message })
  }
})
const ranges = z.array(range)
const webAddress = z.url({ protocol: /^https?$/ })

/**
 * The services' part of the configuration file. Nothing is on by itself: without `rates` no value is converted, without
 * `geo` no address is located, without `trustProxy` no header is believed.
 */
export const servicesConfigSchema = z.strictObject({
  /** Where currency rates come from. */
  rates: z
    .union([
      z.strictObject({ fixed: rateTableSchema }),
      z.strictObject({ file: z.string().min(1) }),
      z.strictObject({ url: webAddress }),
      z.strictObject({ ecb: z.literal(true) }),
    ])
    .optional(),
  /** Where addresses are located: an MMDB file, or an npm package that holds one. `watch` reads a changed file again. */
  geo: z
    .union([
      z.strictObject({ database: z.string().min(1), watch: z.boolean().optional() }),
      z.strictObject({ package: z.string().min(1), watch: z.boolean().optional() }),
    ])
    .optional(),
  /** Our own proxies, whose `X-Forwarded-For` is believed: CIDR ranges, `loopback`, `private`. */
  trustProxy: ranges.optional(),
  /** What outgoing calls may do beyond public https. */
  egress: z
    .strictObject({
      allowHttp: z.boolean().optional(),
      allowPrivateDestinations: ranges.optional(),
      denyDestinations: ranges.optional(),
    })
    .optional(),
})

export type ServicesOptions = z.infer<typeof servicesConfigSchema>
