// Adds up the Vitest reports of all workspaces into one closing line.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

function reports() {
  const below = (group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(group, name))
  const folders = [...below('packages'), ...below('apps'), 'tests', ...below('tests')]
  return folders.map((folder) => join(root, folder, '.vitest', 'report.json'))
}

export function clearReports() {
  for (const file of reports()) rmSync(file, { force: true })
}

/** A file that could not be loaded has no tests to count, yet it failed. */
function unloadable(report) {
  return report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
}

/** Prints `N passed, N failed, N skipped`. False when something failed, or nothing ran at all. */
export function printTotal() {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const file of reports()) {
    if (!existsSync(file)) continue
    const report = JSON.parse(readFileSync(file, 'utf8'))
    sum.passed += report.numPassedTests
    sum.failed += report.numFailedTests + unloadable(report)
    sum.skipped += report.numPendingTests + report.numTodoTests
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  return sum.failed === 0 && sum.passed > 0
}
