import type { Handlers } from '../http/register.ts'
import type { Metadata } from './metadata-service.ts'

export const metadataRoutes = (metadata: Metadata): Handlers => ({
  'artifacts.get': ({ params }) => metadata.artifact(params.artifact),
  'artifacts.content': async ({ params }) => {
    const { digest, bytes, stream } = await metadata.content(params.artifact)
    return new Response(stream, {
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes), etag: `"${digest}"` },
    })
  },
  'artifacts.lineage': ({ params, query }) => metadata.lineage(params.artifact, query.direction),
})
