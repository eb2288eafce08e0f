import { SETTINGS_TABLE, type Setting } from '../../src/config/settings-table.ts'

/** `.env.example`: every variable with its default and a sentence, by group. */
export function envExample(): string {
  const entries: readonly (readonly [string, Setting])[] = Object.entries(SETTINGS_TABLE)
  const groups = [...new Set(entries.map(([, setting]) => setting.group))]
  const sections = groups.map((group) => {
    const variables = entries
      .filter(([, setting]) => setting.group === group)
      .map(([name, setting]) => variable(name, setting))
    return `# --- ${group} ---\n\n${variables.join('\n')}`
  })
  return `# Generated from src/config/settings-table.ts by npm run generate. Copy it to .env and uncomment what you need.\n\n${sections.join('\n')}`
}

function variable(name: string, setting: Setting): string {
  const allowed = setting.allowed === 'text' ? '' : ` Allowed: ${setting.allowed}.`
  return `# ${setting.meaning}${allowed}\n# ${name}=${setting.default ?? ''}\n`
}
