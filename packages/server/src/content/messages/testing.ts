import type { TemplateValues } from './template.ts'

/** What a template is filled in with in tests: somebody of whom nothing is known, and `more`. */
export function valuesOfAnn(more: Partial<TemplateValues> = {}): TemplateValues {
  return {
    value: {},
    userAttribute: {},
    parameter: {},
    place: {},
    userId: 'ann',
    deviceId: null,
    trigger: '',
    now: '2026-11-22T01:02:03.004Z',
    unsubscribeUrl: '',
    ...more,
  }
}
