import { workerData } from 'node:worker_threads'
import { type Loop, serveLoop } from './two-loops.ts'

await serveLoop(workerData as Loop)
