import { action } from '../define.ts'
import { wire } from '../wire.ts'

const JOB_ID = { jobId: { type: 'string', description: 'What `getExportResults` is asked with.' } } as const
const START_DATE = wire.text().required().describe('First day, `YYYYmmdd`, Pacific time.')
const END_DATE = wire.text().describe('Last day; without it, the first.')

/** The ways to take data out that take time: each makes a job (specification 8.10). */
// Not `exports`: in the CommonJS build that name is taken.
export const dataExports = {
  exportData: action({
    scope: 'app',
    keys: ['dataExport'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Exports sessions with their states and events as files; 24 a day, 60 days back.',
    section: '8.10',
    args: {
      startDate: START_DATE,
      endDate: END_DATE,
      exportFormat: wire.choice(['json', 'csv']).default('json').describe('One JSON line per session, or six tables.'),
      startTime: wire.instant().describe('Only what became available from then on. UNIX seconds.'),
      endTime: wire.instant().describe('Only what became available before then. UNIX seconds.'),
      callbackUrl: wire.text().describe('Gets the answer of `getExportResults` by POST when the job has ended.'),
      s3BucketName: wire.text().describe('Also copies the files to this bucket.'),
      s3AccessId: wire.text().describe('Access key id; needed with a bucket.'),
      s3AccessKey: wire.text().describe('Secret access key; needed with a bucket, forgotten when the job has ended.'),
      s3ObjectPrefix: wire.text().describe('What the keys in the bucket begin with.'),
      compressData: wire.boolean().default(false).describe('Compresses the files in the bucket with gzip.'),
    },
    result: JOB_ID,
  }),
  exportUsers: action({
    scope: 'app',
    keys: ['dataExport'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Exports the ids of users as a CSV file; 40 a day.',
    section: '8.10',
    args: {
      audienceName: wire.text().describe('Only users in this audience.'),
      abTestId: wire.integer().describe('Only users in this A/B test.'),
      userAttribute: wire.text().describe('Only users that have this attribute; adds its value.'),
      segment: wire
        .text()
        .describe('An older form of a filter, such as `Country = "US"`; users must pass all filters.'),
    },
    result: JOB_ID,
  }),
  exportReport: action({
    scope: 'app',
    keys: ['dataExport'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Counts events by day; 100 a day.',
    section: '8.10',
    args: {
      startDate: START_DATE,
      dataType: wire
        .choice(['UserActivity', 'AbTestResults', 'MessageResults', 'BookmarkedReport'])
        .required()
        .describe('What is counted.'),
      endDate: END_DATE,
      abTestId: wire.integer().describe('The test; needed with AbTestResults.'),
      messageId: wire.integer().describe('The message; needed with MessageResults.'),
      bookmarkName: wire.text().describe('The bookmark, one of the content; needed with BookmarkedReport.'),
      eventNames: wire.stringList().describe('Only these events.'),
    },
    result: JOB_ID,
  }),
  getExportResults: action({
    scope: 'app',
    keys: ['dataExport'],
    createDisposition: null,
    methods: ['GET', 'POST'],
    summary: 'Tells how far an export is and, at its end, where its files are; for 24 hours.',
    section: '8.10',
    args: { jobId: wire.text().required().describe('The job.') },
    result: {
      state: { type: 'string', enum: ['PENDING', 'RUNNING', 'FINISHED', 'FAILED'] },
      jobId: { type: 'string' },
      files: { type: 'array', items: { type: 'string', format: 'uri' } },
      numBytes: { type: 'integer' },
      numSessions: { type: 'integer' },
      s3CopyStatus: { type: 'string' },
      data: { type: 'object', description: 'Of a report: by day and event: Occurrences, Unique users, Value.' },
      abTestResults: {
        type: 'object',
        description: 'Of AbTestResults: how many users of each variant had each event, with 95 % confidence intervals.',
      },
    },
  }),
}
