import type * as z from 'zod'
import type { Client } from '../../shared/contract/client.ts'
import type { Clock } from '../../shared/core/clock.ts'
import type { Bytes } from '../../shared/core/bytes.ts'
import type { Sha256 } from '../../shared/core/digest.ts'
import type { ErrorCode, Issue } from '../../shared/core/errors.ts'
import type { ArtifactId, RunId, Slug, StepId } from '../../shared/core/ids.ts'
import type { Json, JsonObject } from '../../shared/core/json.ts'
import type { ArtifactType } from './artifact-types.ts'

/** The type of an input; with `?` the step also runs without it. */
export type InputType = ArtifactType | `${ArtifactType}?`

/** An artifact that a step takes. Its bytes lie in a local file. */
export type StepInput = {
  readonly artifact: ArtifactId
  readonly type: ArtifactType
  readonly digest: Sha256
  readonly bytes: number
  readonly properties: JsonObject
  readonly path: string
  /** The content as JSON, checked. Throws invalid_document when it is not what the schema says. */
  json<S extends z.core.$ZodType>(schema: S): Promise<z.core.output<S>>
}

/** What a step made: a durable blob and what to say about it. */
export type Produced = { readonly digest: Sha256; readonly bytes: number; readonly name: string; readonly properties: JsonObject }

export type ProducedOptions = { readonly properties?: JsonObject; readonly name?: string }

export type StepLog = {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** Content-addressed storage, as a step sees it. */
export type StepBlobs = {
  /** Canonical JSON, so that equal content has an equal digest. */
  json(value: unknown, options?: ProducedOptions): Promise<Produced>
  bytes(data: Bytes, options?: ProducedOptions): Promise<Produced>
  /** A file that the step wrote, usually in its folder. */
  file(path: string, options?: ProducedOptions): Promise<Produced>
  read(digest: Sha256): Promise<Bytes>
  path(digest: Sha256): Promise<string>
}

type Required<I> = { readonly [K in keyof I as I[K] extends `${string}?` ? never : K]: StepInput }
type Optional<I> = { readonly [K in keyof I as I[K] extends `${string}?` ? K : never]?: StepInput }
export type StepInputs<I> = Required<I> & Optional<I>

export type StepContext<I = Record<string, InputType>, P = unknown> = {
  readonly run: RunId
  readonly step: StepId
  readonly pipeline: Slug
  /** The same for every attempt of the step: what makes a retried request to the API have one effect. */
  readonly idempotencyKey: string
  readonly inputs: StepInputs<I>
  readonly params: P
  /** What `reads` answered when the cache key was made. */
  readonly reads: Json
  readonly seed: number
  /** The server's own API, with the rights of a releaser. */
  readonly api: Client
  readonly blobs: StepBlobs
  /** Empty at the start, deleted at the end. */
  readonly folder: string
  /**
   * A folder, not made yet, whose content an attempt that is interrupted leaves to the next one with the same inputs, parameters and seed. Deleted when the step ends well.
   * A file in it is whole if it was renamed to its name.
   */
  readonly kept: string
  readonly log: StepLog
  progress(done: number, total: number, note?: string): void
  /**
   * Values of metrics for the run's record, as `logMetrics({ loss, accuracy }, epoch)`: searched by their latest value, plotted over `step`. They are kept whatever becomes of
   * the step. NaN and infinities are taken: they are what one looks for.
   */
  logMetrics(values: Readonly<Record<string, number>>, step?: number): void
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** A gate's refusal: the run stops here, which is no breakdown. */
export type Refusal = { readonly code: ErrorCode; readonly detail: string; readonly issues?: readonly Issue[] }

export type StepResult<O = Record<string, ArtifactType>> = {
  readonly outputs: { readonly [K in keyof O]: Produced }
  readonly refused?: Refusal
}

export type StepLimits = { readonly timeoutMs: number; readonly memoryMb: number }

export type ReadsContext<P> = { readonly params: P; readonly pipeline: Slug; readonly api: Client; readonly idempotencyKey: string }

/** One reusable kind of step: typed inputs and outputs, and a function of (inputs, parameters, seed). Nothing in it knows a pipeline. */
export type Component<
  I extends Record<string, InputType> = Record<string, InputType>,
  O extends Record<string, ArtifactType> = Record<string, ArtifactType>,
  P = unknown,
> = {
  readonly name: string
  readonly version: string
  /** `import.meta.url` of the module that exports it: what a worker loads, and whose source is part of the component's digest. */
  readonly module: string
  readonly inputs: I
  readonly outputs: O
  readonly params: z.ZodType<P>
  readonly limits?: Partial<StepLimits>
  /** Parameters that say how the step computes and change nothing of what comes out: no part of the cache key. */
  readonly unkeyed?: readonly string[]
  /** 'never' for steps that change the world. */
  readonly cache?: 'never'
  /** What the step looks up outside of its inputs (which spans a dataset has, which version is live): asked first, and part of the cache key. */
  reads?(context: ReadsContext<P>): Promise<Json>
  run(context: StepContext<I, P>): Promise<StepResult<O>>
}

/** A component of any kind, as the planner and the executor handle it. */
export type AnyComponent = Omit<Component, 'params' | 'reads' | 'run'> & {
  readonly params: z.ZodType
  reads?(context: ReadsContext<never>): Promise<Json>
  run(context: never): Promise<StepResult>
}

export const defineComponent = <const I extends Record<string, InputType>, const O extends Record<string, ArtifactType>, P>(
  component: Component<I, O, P>,
): Component<I, O, P> => component

export const isOptional = (type: InputType): boolean => type.endsWith('?')
export const artifactTypeOf = (type: InputType): ArtifactType => (type.endsWith('?') ? type.slice(0, -1) : type) as ArtifactType
