import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AppError, type Issue } from '../../shared/core/errors.ts'
import { checkPipeline, type Pipeline } from './pipeline.ts'
import { checkTriggerSettings } from './trigger-settings.ts'
import type { TriggerKind } from './pipeline.ts'

/** What Node says of a module that it takes for CommonJS, or whose import is not there, and what helps. */
function adviceFor(thrown: unknown): string {
  const { code, message = String(thrown) } = thrown as { code?: string; message?: string }
  if (/outside a module|Unexpected token 'export'/.test(message))
    return `${message}: name the file .mts, or put "type": "module" into the package.json beside it`
  if (code === 'ERR_MODULE_NOT_FOUND') return `${message}: imports name whole files, such as shoal/server/pipeline/pipeline.ts`
  return message
}

/** As its own module instance may have made it: by its form. */
const isAppError = (thrown: unknown): thrown is AppError =>
  thrown instanceof Error && 'code' in thrown && 'issues' in thrown && 'detail' in thrown && thrown.code === 'invalid_pipeline'

async function load(path: string): Promise<{ pipelines?: unknown }> {
  if (!existsSync(path)) throw new AppError('not_found', `${path} is not there`)
  try {
    return (await import(pathToFileURL(path).href)) as { pipelines?: unknown }
  } catch (thrown) {
    if (isAppError(thrown)) throw new AppError('invalid_pipeline', `${path}: ${thrown.detail}`, { issues: thrown.issues })
    throw new AppError('invalid_pipeline', `${path} cannot be loaded: ${adviceFor(thrown)}`, { cause: thrown })
  }
}

const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' && value !== null && ['name', 'model', 'dataset', 'steps', 'triggers'].every((key) => key in value)

/** The list `pipelines` that a module exports, each of which holds together. Throws not_found and invalid_pipeline, naming the file and everything that is at fault. */
export async function loadPipelines(file: string): Promise<readonly Pipeline[]> {
  const path = resolve(file)
  const { pipelines } = await load(path)
  if (!Array.isArray(pipelines) || pipelines.length === 0)
    throw new AppError('invalid_pipeline', `${path} exports no list named pipelines: export const pipelines = [definePipeline({ … })]`)
  const issues = pipelines.flatMap((one: unknown, i): Issue[] => {
    if (!isPipeline(one)) return [{ where: `pipelines[${i}]`, what: 'is no pipeline: make it with definePipeline' }]
    const again = pipelines.findIndex((other: unknown) => isPipeline(other) && other.name === one.name) !== i
    return [...(again ? [{ where: `pipelines[${i}]`, what: `there is another pipeline ${one.name}` }] : []), ...issuesOf(one)]
  })
  if (issues.length > 0)
    throw new AppError('invalid_pipeline', `${path}: ${issues.map(({ where, what }) => `${where}: ${what}`).join('; ')}`, { issues })
  return pipelines as readonly Pipeline[]
}

function issuesOf(pipeline: Pipeline): Issue[] {
  const checked = checkPipeline(pipeline)
  const own = checked.ok ? [] : checked.error.issues
  const triggers = Object.entries(pipeline.triggers).flatMap(([kind, { settings }]) => {
    try {
      checkTriggerSettings(kind as TriggerKind, settings)
      return []
    } catch (thrown) {
      return [{ where: `triggers.${kind}`, what: thrown instanceof AppError ? thrown.detail : String(thrown) }]
    }
  })
  return [...own, ...triggers].map(({ where, what }) => ({ where: `${pipeline.name}: ${where}`, what }))
}
