import { REPORT_LIMITS, type ReportLimits } from './check-report.ts'

const HOUR_MS = 60 * 60 * 1000

/** How monitoring looks and when it speaks. Every figure has a default that suits a fleet of hundreds and more. */
export type MonitoringSettings = {
  /** Length of the windows that are plotted, milliseconds. Devices say when their window began to the minute, so shorter ones come in whole minutes. */
  readonly windowMs: number
  /** A batch, the unit of decisions, is closed after so many distinct devices or so long. */
  readonly batchDevices: number
  readonly batchMs: number
  /** Drift is spoken of when the recent batches hold so many devices and values. */
  readonly minimumDevices: number
  readonly minimumValues: number
  /** Probability of calling a feature drifted at one look where nothing changed, over all features. */
  readonly driftAlpha: number
  /** Effect (PSI less its sampling noise) that matters. */
  readonly driftMargin: number
  /** Without a change, alarms of all watches of a version together are at least 1/watchAlpha batches apart on average. */
  readonly watchAlpha: number
  /** How far a cell's share may move without mattering to the watch. */
  readonly tolerance: number
  /** How alike two values from one device are (intraclass correlation): what one person draws or types resembles itself. */
  readonly correlation: number
  /** How far live accuracy may lie below the promised one, and the feedback below which nothing is said. */
  readonly accuracyMargin: number
  readonly minimumFeedback: number
  /** Devices that leave a version by themselves before people are told. */
  readonly selfRollbackDevices: number
  /** Closed batches kept for each version. */
  readonly keepBatches: number
  /** Reports, and predictions reported, that are taken from one device in one hour. */
  readonly maxReportsPerHour: number
  readonly maxPredictionsPerHour: number
  readonly limits: ReportLimits
}

export const MONITORING_SETTINGS: MonitoringSettings = {
  windowMs: HOUR_MS,
  batchDevices: 20,
  batchMs: HOUR_MS,
  minimumDevices: 20,
  minimumValues: 200,
  driftAlpha: 0.001,
  driftMargin: 0.1,
  watchAlpha: 1 / 2160,
  tolerance: 0.02,
  correlation: 0.2,
  accuracyMargin: 0.05,
  minimumFeedback: 30,
  selfRollbackDevices: 3,
  keepBatches: 500,
  maxReportsPerHour: 1000,
  maxPredictionsPerHour: 100_000,
  limits: REPORT_LIMITS,
}
