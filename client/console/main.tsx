import { render } from 'preact'
import '../ui/tokens.css'
import '../ui/base.css'
import '../ui/controls.css'
import '../ui/surfaces.css'
import '../ui/plots.css'
import './console.css'
import { must } from '../../shared/core/assert.ts'
import { Console } from './console.tsx'

render(<Console />, must(document.getElementById('root'), 'the root element'))
