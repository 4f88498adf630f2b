// Adds up the Vitest reports of all workspaces into one closing line.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
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

/** One line for each test that failed, and for each file that could not be loaded: it has no tests to count. */
function failures(report) {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name)
    if (status === 'failed' && assertionResults.length === 0) return [`${file}: ${firstLine(message)}`]
    return assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${file}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
  })
}

function firstLine(text = '') {
  return text.trim().split('\n')[0]
}

/** Prints what failed, and `N passed, N failed, N skipped`. False when something failed, or nothing ran at all. */
export function printTotal() {
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const file of reports()) {
    if (!existsSync(file)) continue
    const report = JSON.parse(readFileSync(file, 'utf8'))
    sum.passed += report.numPassedTests
    const failed = failures(report)
    for (const line of failed) console.log(`FAILED ${line}`)
    sum.failed += failed.length
    sum.skipped += report.numPendingTests + report.numTodoTests
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  return sum.failed === 0 && sum.passed > 0
}
