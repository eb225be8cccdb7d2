import { render } from 'preact'
import '../ui/tokens.css'
import '../ui/base.css'
import '../ui/controls.css'
import '../ui/surfaces.css'
import '../ui/plots.css'
import './app.css'
import { must } from '../../shared/core/assert.ts'
import { App } from './app.tsx'
import { start } from './device.ts'
import { watchShell } from './shell-update.ts'

render(<App />, must(document.getElementById('root'), 'the root element'))
void start()
watchShell()
