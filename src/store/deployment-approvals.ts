/** Approvals of images for environments. The digest is part of the key: another image needs another approval. */
import type { DeploymentApprovals } from '../deployment/ports.ts'
import type { ReleaseImage } from '../deployment/index.ts'
import { sql, type Database } from './database.ts'

export function createDeploymentApprovals(db: Database): DeploymentApprovals {
  return {
    async approve(repositoryId, image, environment, by) {
      await db.run(sql`insert into approvals (repository_id, subject, object, scope, approved_by)
        values (${repositoryId}, 'deployment', ${objectOf(image)}, ${scopeOf(environment)}, ${by}) on conflict do nothing`)
    },
    async approvedBy(repositoryId, image, environment) {
      const row = await db.first<{ approved_by: string }>(sql`select approved_by from approvals
        where repository_id = ${repositoryId} and subject = 'deployment' and object = ${objectOf(image)} and scope = ${scopeOf(environment)}`)
      return row?.approved_by ?? null
    },
  }
}

function objectOf(image: ReleaseImage): string {
  return image.digest ?? image.imageId
}

function scopeOf(environment: string): string {
  return `environment:${environment}`
}
