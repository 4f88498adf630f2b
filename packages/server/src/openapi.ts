import { ACTIONS, COMMON_ARGS, type ActionDefinition, type ArgShape, type JsonSchema } from '@damson/core/protocol'

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** `start` → `StartRequest`. */
const schemaName = (action: string, kind: 'Request' | 'Result') => action[0]?.toUpperCase() + action.slice(1) + kind

/**
 * The API as an OpenAPI 3.1 document, read from the action table. There is one path: which action is meant is said by an
 * argument, so a request is one of many schemas told apart by `action`.
 */
export function openApiDocument(): Readonly<Record<string, unknown>> {
  const names = Object.keys(ACTIONS)
  const mapping = Object.fromEntries(names.map((name) => [name, ref(schemaName(name, 'Request')).$ref]))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Damson',
      summary: 'The Leanplum REST API as software anyone can run',
      description:
        'Values may also come as text: booleans and numbers written out, objects and lists as JSON. Arguments that an ' +
        'action does not know are passed over.',
      version: '1.0.6',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: { '/api': { get: getOperation(), post: postOperation() } },
    components: {
      schemas: {
        Request: {
          oneOf: names.map((name) => ref(schemaName(name, 'Request'))),
          discriminator: { propertyName: 'action', mapping },
        },
        CommonArguments: objectSchema(COMMON_ARGS),
        Response: {
          type: 'object',
          required: ['response'],
          properties: {
            response: {
              type: 'array',
              description: 'One element for each action, in the order of the request.',
              items: { anyOf: names.map((name) => ref(schemaName(name, 'Result'))) },
            },
          },
        },
        Element: ELEMENT,
        Notice: { type: 'object', required: ['message'], properties: { message: { type: 'string' } } },
        ...Object.fromEntries(Object.entries(ACTIONS).flatMap(([name, row]) => schemasOf(name, row))),
      },
    },
  }
}

const ELEMENT: JsonSchema = {
  type: 'object',
  required: ['success'],
  properties: {
    success: { type: 'boolean', description: 'Whether the request was received; see `warning` and `error`.' },
    warning: { ...ref('Notice'), description: 'The action was skipped, or done with an adjustment.' },
    error: { ...ref('Notice'), description: 'The action was not done.' },
    reqId: { description: 'The `reqId` of the action, as it came.' },
    isOffline: { type: 'boolean', const: true, description: 'Stored outside any open session.' },
    ignored: { type: 'boolean', const: true, description: 'Needed an active session, and there was none.' },
  },
}

function schemasOf(name: string, row: ActionDefinition): [string, JsonSchema][] {
  const { properties, required = [] } = objectSchema(row.args)
  const request = {
    description: `${row.summary} Keys: ${row.keys.join(', ')}.`,
    allOf: [ref('CommonArguments')],
    type: 'object',
    required: ['action', ...required],
    properties: { action: { type: 'string', const: name }, ...properties },
  }
  const result = { allOf: [ref('Element')], type: 'object', properties: row.result }
  return [
    [schemaName(name, 'Request'), request],
    [schemaName(name, 'Result'), result],
  ]
}

function objectSchema(shape: ArgShape) {
  const required = Object.keys(shape).filter((name) => shape[name]?.presence === 'required')
  const properties = Object.fromEntries(Object.entries(shape).map(([name, piece]) => [name, piece.schema]))
  return { type: 'object', ...(required.length > 0 && { required }), properties }
}

function getOperation() {
  return {
    operationId: 'get',
    summary: 'Performs one action; all of its arguments are in the query.',
    parameters: [
      { name: 'arguments', in: 'query', style: 'form', explode: true, required: true, schema: ref('Request') },
    ],
    responses: RESPONSES,
  }
}

function postOperation() {
  const schema = ref('Request')
  return {
    operationId: 'post',
    summary: 'Performs one action, or several at once with `multi`; arguments may be in the body, the query, or both.',
    requestBody: {
      required: true,
      content: {
        'application/json': { schema },
        'application/x-www-form-urlencoded': { schema },
        'multipart/form-data': { schema },
      },
    },
    responses: RESPONSES,
  }
}

const ENVELOPE = { content: { 'application/json': { schema: ref('Response') } } }

const RESPONSES = {
  '200': { description: 'Received. What became of each action is said by its element.', ...ENVELOPE },
  '302': { description: '`downloadFile`: where the file is.' },
  default: {
    description: 'Refused: an argument is missing, the key is wrong, or there is no such thing.',
    ...ENVELOPE,
  },
}
