import { idbStorage } from '../../../../client/sdk/storage/idb-storage.ts'
import { storageContract } from './storage-contract.ts'

storageContract({ open: (name) => idbStorage({ name }), durable: true })
