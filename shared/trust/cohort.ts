import { sha256 } from '../core/digest.ts'

/** 2^32, the number of cohort positions. */
const POSITIONS = 2 ** 32

/**
 * A device's place in [0, 1) for a salt: the first 32 bits of SHA-256("salt:deviceId"). Uniform over devices, independent between salts,
 * the same on the device and in any simulation of it.
 */
export async function cohortPosition(salt: string, deviceId: string): Promise<number> {
  return Number.parseInt((await sha256(`${salt}:${deviceId}`)).slice(0, 8), 16) / POSITIONS
}

/** Whether a device belongs to the candidate's share. Growing shares only add devices: nobody goes back when a stage advances. */
export const inCohort = async (salt: string, deviceId: string, share: number): Promise<boolean> =>
  (await cohortPosition(salt, deviceId)) < share
