/** Every numeric limit at Shoal's edges, with its unit in its name. */
const KIB = 1024
const MIB = 1024 * KIB

/** A JSON body, unless its route says otherwise. */
export const MAX_JSON_BODY_BYTES = 1 * MIB
/** Nesting of a JSON body: deeper ones are refused before they are parsed further. */
export const MAX_JSON_DEPTH = 64
/** One blob: a piece of a model, or a file handed over by a person. */
export const MAX_BLOB_BYTES = 256 * MIB
/** Files of one imported model: a description and its weights. */
export const MAX_IMPORT_FILES = 256
/** One device report, before compression. Typical: 2 kB. */
export const MAX_REPORT_BYTES = 4 * KIB
export const MAX_REPORTS_PER_REQUEST = 32
/** One batch of labelled examples that a person agreed to share. */
export const MAX_EXAMPLES_PER_REQUEST = 256
export const MAX_EXAMPLES_BODY_BYTES = 4 * MIB
/** What one request may ask a model for: examples in their JSON form. */
export const MAX_PREDICT_INPUTS = 256
export const MAX_PREDICT_BODY_BYTES = 8 * MIB
/** One training contribution. */
export const MAX_UPDATE_BYTES = 64 * MIB
/** What a run may tell of itself in one request: points of metrics; parameters, and tags, each. */
export const MAX_LOGGED_METRICS = 10_000
export const MAX_LOGGED_TEXTS = 1000
export const MAX_LOG_BODY_BYTES = 4 * MIB
export const MAX_PAGE_ITEMS = 500
export const DEFAULT_PAGE_ITEMS = 50
/** Piece sizes of a model: large enough to be few, small enough to resume cheaply. */
export const MIN_PIECE_BYTES = 1 * MIB
export const MAX_PIECE_BYTES = 4 * MIB
export const MAX_TENSORS_PER_MODEL = 4096
/** Boosted trees: values of a row, trees, and nodes of all of them, of 9 to 12 bytes each. */
export const MAX_FOREST_FEATURES = 1 << 20
export const MAX_FOREST_TREES = 100_000
export const MAX_FOREST_NODES = 1 << 23
export const MAX_MANIFEST_BYTES = 4 * MIB
/** How long a release document may be believed without a fresh one. */
export const RELEASE_LIFETIME_MS = 24 * 60 * 60 * 1000
export const DEVICE_TOKEN_LIFETIME_MS = 180 * 24 * 60 * 60 * 1000
/** How long an idempotency key keeps its answer. */
export const IDEMPOTENCY_LIFETIME_MS = 24 * 60 * 60 * 1000
