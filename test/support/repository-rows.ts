import { sql, type Database } from '../../src/store/database.ts'

/** The repository `acme/web` with the id 1, for what needs a repository and nothing of it. */
export async function keepRepository(db: Database): Promise<void> {
  await db.run(sql`insert into installations (id, account) values (7, 'acme') on conflict do nothing`)
  await db.run(sql`insert into repositories (id, installation_id, owner, name, is_private, default_branch, clone_url, html_url)
    values (1, 7, 'acme', 'web', false, 'main', 'http://localhost/acme/web.git', 'http://localhost/acme/web') on conflict do nothing`)
}
