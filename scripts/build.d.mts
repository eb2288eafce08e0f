export function ensureBuilt(options?: { readonly announce?: (text: string) => void }): Promise<void>
