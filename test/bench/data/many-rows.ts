import { openDuck } from '../../../server/datasets/duckdb.ts'
import { PARQUET_OPTIONS } from '../../../server/datasets/duckdb.ts'

const uniform = (k: number): string => `((hash(i * 64 + ${k}) >> 11)::DOUBLE / 9007199254740992)`
const normal = (k: number): string => `(sqrt(-2 * ln(greatest(${uniform(k)}, 1e-300))) * cos(2 * pi() * ${uniform(k + 32)}))`
const gaps = (k: number, share: number, value: string): string => `CASE WHEN ${uniform(k)} >= ${share} THEN ${value} END`
const pick = (values: readonly string[], k: number, skew: number): string =>
  `[${values.map((value) => `'${value}'`).join(', ')}][1 + least(${values.length - 1}, (${values.length} * pow(${uniform(k)}, ${skew}))::INTEGER)]`

const COUNTRIES = ['DE', 'FR', 'GB', 'US', 'NL', 'CH', 'AT', 'BE', 'IT', 'ES', 'PL', 'SE']
const WORDS = ['fast', 'late', 'good', 'broken', 'nice', 'cheap', 'box', 'again', 'never', 'colour']

/** The orders of a shop as its tables look: keys, times, money with a long tail, codes, texts, gaps, a few values that are no numbers. */
const COLUMNS: Readonly<Record<string, string>> = {
  order_id: 'i',
  ordered_at: `'2023-01-01'::TIMESTAMP + to_seconds(i * 12 + (600 * ${uniform(1)})::BIGINT)`,
  session: 'md5(hash(i * 64 + 2)::VARCHAR)',
  customer: `(3 * exp(11 * ${uniform(3)}))::INTEGER`,
  country: pick(COUNTRIES, 4, 2.5),
  amount: gaps(5, 0.02, `round(10 + exp(3 + 1.2 * ${normal(6)}), 2)`),
  quantity: `(1 + floor(-2 * ln(greatest(${uniform(7)}, 1e-12))))::INTEGER`,
  discount: gaps(8, 0.35, `round(100 * ${uniform(9)}, 1)`),
  score: normal(10),
  temperature: `(20 + 15 * ${normal(11)})::FLOAT`,
  returned: `${uniform(12)} < 0.07`,
  latency: `CASE WHEN ${uniform(13)} < 0.001 THEN 'NaN'::DOUBLE ELSE exp(2 * ${normal(14)}) END`,
  product: `'SKU-' || lpad((8000 * pow(${uniform(15)}, 3))::INTEGER::VARCHAR, 6, '0')`,
  referrer: gaps(16, 0.6, `'user' || (hash(i * 64 + 17) % 900000) || '@example.org'`),
  hour: '(hash(i * 64 + 18) % 24)::TINYINT',
  status: pick(['new', 'open', 'paid', 'shipped', 'closed'], 19, 1),
  born: `'1940-01-01'::DATE + (25000 * ${uniform(20)})::INTEGER`,
  latitude: gaps(21, 0.1, `180 * ${uniform(22)} - 90`),
  longitude: gaps(21, 0.1, `360 * ${uniform(23)} - 180`),
  review: `array_to_string([${WORDS.map((word) => `'${word}'`).join(', ')}][1 + (3 * ${uniform(25)})::INTEGER:1 + (9 * ${uniform(24)})::INTEGER], ' ')`,
}

/** Writes so many rows of 20 columns; the same rows each time. */
export async function writeManyRows(path: string, rows: number, folder: string): Promise<void> {
  const duck = await openDuck({ folder, files: [path] })
  try {
    const values = Object.entries(COLUMNS).map(([name, sql]) => `${sql} AS ${name}`)
    await duck.run(`COPY (SELECT ${values.join(', ')} FROM range(${rows}) t(i)) TO '${path}' ${PARQUET_OPTIONS}`)
  } finally {
    duck.close()
  }
}
