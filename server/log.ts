import { ansiColorFormatter, configure, getLogger, jsonLinesFormatter, type LogRecord, type LogLevel } from '@logtape/logtape'

/** What Shoal's own code logs through. Properties are shown by name; never put a secret into one. */
export type Log = {
  debug(message: string, properties?: Record<string, unknown>): void
  info(message: string, properties?: Record<string, unknown>): void
  warn(message: string, properties?: Record<string, unknown>): void
  error(message: string, properties?: Record<string, unknown>): void
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export type LogOptions = { readonly level: LogLevel; readonly terminal: boolean; readonly write: (line: string) => void }

/** Readable lines on a terminal, JSON lines otherwise. */
export async function createLog({ level, terminal, write }: LogOptions): Promise<Log> {
  const format = terminal ? ansiColorFormatter : jsonLinesFormatter
  await configure({
    reset: true,
    sinks: { out: (record: LogRecord) => write(redact(format(record))) },
    loggers: [
      { category: 'shoal', sinks: ['out'], lowestLevel: level },
      { category: ['logtape', 'meta'], sinks: ['out'], lowestLevel: 'warning' },
    ],
  })
  const logger = getLogger('shoal')
  // JSON lines carry the properties as they are
  const shown = terminal ? withProperties : escaped
  return {
    debug: (message, properties = {}) => logger.debug(shown(message, properties), properties),
    info: (message, properties = {}) => logger.info(shown(message, properties), properties),
    warn: (message, properties = {}) => logger.warn(shown(message, properties), properties),
    error: (message, properties = {}) => logger.error(shown(message, properties), properties),
  }
}

const escaped = (message: string): string => message.replaceAll('{', '{{').replaceAll('}', '}}')

/** The message with a place for each property, so that a terminal shows them too. */
const withProperties = (message: string, properties: Record<string, unknown>): string =>
  [escaped(message), ...Object.keys(properties).map((name) => `${name}={${name}}`)].join(' ')

const SECRET = /\bshoal_(viewer|editor|releaser|admin|device)_[A-Za-z0-9_-]+/g

/** The last line of defence: a key or token that got into a message all the same. */
export const redact = (line: string): string => line.replace(SECRET, 'shoal_$1_***')
