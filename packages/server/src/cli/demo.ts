import { ISSUED_CLASSES, type NewApp, randomAppId, randomKeys } from '../new-app.ts'
import { keysTable } from './apps.ts'

/** What `--demo` adds: an app if there was none, and a few lines for whoever started it. */
export interface Demo {
  readonly app: NewApp | null
  text(url: string): string
}

export function demoOf(apps: readonly { readonly appId: string; readonly name: string }[]): Demo {
  const [first] = apps
  if (first !== undefined) {
    const hint = `New ones: damson apps rotate ${first.appId} --class production`
    return {
      app: null,
      text: () => `The app '${first.name}' is here from an earlier start; its keys were shown then. ${hint}`,
    }
  }
  const appId = randomAppId()
  const keys = randomKeys()
  const lists = Object.fromEntries(ISSUED_CLASSES.map((keyClass) => [keyClass, [keys[keyClass]]]))
  return {
    app: { appId, name: 'Demo', keys: lists },
    text: (url) => `Made the app 'Demo'. Its keys are shown this once:

${keysTable(appId, keys)}

Try it: begin a session, then look at the user.

  curl '${url}' -d action=start -d userId=ada -d appId=${appId} -d clientKey=${keys.production}
  curl '${url}' -d action=exportUser -d userId=ada -d appId=${appId} -d clientKey=${keys.dataExport}
`,
  }
}
