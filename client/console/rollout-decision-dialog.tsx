import type { Rollout } from '../../shared/contract/rollouts.ts'
import { ReasonDialog } from '../ui/reason-dialog.tsx'
import { showToast } from '../ui/toasts.tsx'
import { api } from './session.ts'

type RolloutDecisionDialogProps = { rollout: Rollout; decision: 'promote' | 'rollback'; onDone: () => void; onClose: () => void }

/** A person decides before the evidence does. */
export function RolloutDecisionDialog({ rollout, decision, onDone, onClose }: RolloutDecisionDialogProps) {
  const promote = decision === 'promote'
  const confirm = async (reason: string) => {
    await api(promote ? 'rollouts.promote' : 'rollouts.rollback', { params: { rollout: rollout.id }, body: { reason } })
    showToast({
      key: 'rollout decision',
      tone: 'good',
      lasts: 6000,
      text: promote
        ? `Version ${rollout.candidate} is the stable version now.`
        : `The candidate is taken back; version ${rollout.stable} stays.`,
    })
    onDone()
  }
  return (
    <ReasonDialog
      title={promote ? `Promote version ${rollout.candidate}` : `Roll back version ${rollout.candidate}`}
      action={promote ? 'Promote to all' : 'Roll back'}
      danger={!promote}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p class="small muted">
        {promote
          ? `All devices that follow ${rollout.alias} take version ${rollout.candidate} at their next poll, whatever the evidence says so far.`
          : `Devices on the candidate go back to version ${rollout.stable} at their next poll, without a download.`}
      </p>
    </ReasonDialog>
  )
}
