import { shortId } from '../../ui/value-text.ts'
import { linkTo } from '../location.ts'
import { Page } from '../page.tsx'
import { RolloutCard } from '../rollout-card.tsx'

export const RolloutPage = ({ id }: { id: string }) => (
  <Page title={`Rollout ${shortId(id)}`} above={{ name: 'Rollouts', href: linkTo(['rollouts']) }}>
    <RolloutCard id={id} />
  </Page>
)
