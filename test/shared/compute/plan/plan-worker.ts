import { trainedByPlan } from './trained-by-plan.ts'

const { weights, history, engine } = await trainedByPlan()
postMessage({ weights, history, engine })
