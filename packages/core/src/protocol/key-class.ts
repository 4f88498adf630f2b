/** Which actions a key may call (specification 3.1). */
export const KEY_CLASSES = ['production', 'development', 'dataExport', 'contentReadOnly', 'contentReadWrite'] as const

export type KeyClass = (typeof KEY_CLASSES)[number]
