import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common'
import { Observable } from 'rxjs'
import type { DamsonService } from './damson.service.ts'
import { runInVisit } from './scope.ts'
import { getDamsonToken } from './tokens.ts'

/** Runs each handler on behalf of its visitor: HTTP, GraphQL, WebSockets and microservices. */
@Injectable()
export class DamsonInterceptor implements NestInterceptor {
  readonly #damson: DamsonService | undefined

  /** Where every client has a name, there is none to inject; theirs are given to interceptors of their own. */
  constructor(@Optional() @Inject(getDamsonToken()) damson?: DamsonService) {
    this.#damson = damson
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const damson = this.#damson
    if (damson === undefined) return next.handle()
    const visit = await damson.arrive(context)
    // A scope of its own for each subscription: Nest subscribes later, and from elsewhere.
    return new Observable((subscriber) => runInVisit(damson.name, visit, () => next.handle().subscribe(subscriber)))
  }
}
