import { shortId } from '../ui/value-text.ts'
import { linkTo } from './location.ts'

/** A run by the beginning of its id, linked to its page. */
export const RunLink = ({ run }: { run: string }) => (
  <a class="mono" href={linkTo(['runs', run])}>
    {shortId(run)}
  </a>
)
