import { Option } from 'commander'
import type { App } from '../engine/app.ts'
import { Problem } from './problem.ts'

export const appOption = () => new Option('--app-id <id>', 'the app, if there are several').env('DAMSON_APP_ID')

/**
 * The app that was named, or the only one.
 * @throws {Problem} there is none of that name, none at all, or several to choose from
 */
export function chosenApp(apps: readonly App[], appId: string | undefined): App {
  const ids = apps.map((app) => app.appId).join(', ')
  if (appId !== undefined) {
    const app = apps.find((one) => one.appId === appId)
    if (app === undefined) throw new Problem(`there is no app '${appId}'. There is: ${ids === '' ? 'none' : ids}.`)
    return app
  }
  const [app] = apps
  if (app === undefined)
    throw new Problem("there is no app in this folder. Choose another with --data, or make one: 'damson apps create'.")
  if (apps.length > 1) throw new Problem(`there are several apps. Choose one with --app-id: ${ids}.`)
  return app
}
