import { Inject } from '@nestjs/common'

/** The client that is meant when no name is given. */
export const DEFAULT_NAME = 'default'

/**
 * The token of a client's `DamsonService`. A registered symbol: the ESM and the CommonJS build of this package are two
 * copies of each class, but agree on this.
 */
export function getDamsonToken(name: string = DEFAULT_NAME): symbol {
  return Symbol.for(`damson.nestjs.service:${name}`)
}

/** The token of a client's options, to replace them in tests: `overrideProvider(getDamsonOptionsToken())`. */
export function getDamsonOptionsToken(name: string = DEFAULT_NAME): symbol {
  return Symbol.for(`damson.nestjs.options:${name}`)
}

/** Injects the `DamsonService` of a client. */
export function InjectDamson(name?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getDamsonToken(name))
}
