import type { AnyComponent } from './component.ts'
import { analyse } from './components/analyse.ts'
import { evaluate } from './components/evaluate.ts'
import { extract } from './components/extract.ts'
import { federate } from './components/federate.ts'
import { predict } from './components/predict.ts'
import { prepare } from './components/prepare.ts'
import { register } from './components/register.ts'
import { release } from './components/release.ts'
import { train } from './components/train.ts'
import { tune } from './components/tune.ts'
import { validateData } from './components/validate-data.ts'
import { validateModel } from './components/validate-model.ts'

/** In the order in which a pipeline usually has them. */
export const SHIPPED_COMPONENTS = [
  extract,
  analyse,
  validateData,
  prepare,
  tune,
  train,
  federate,
  evaluate,
  validateModel,
  register,
  release,
  predict,
] as unknown as readonly AnyComponent[]
