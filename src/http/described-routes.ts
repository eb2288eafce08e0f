export interface DescribedRoute {
  readonly method: 'get' | 'post' | 'put' | 'delete'
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly security?: 'bearer' | 'none' | 'webhook'
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, string>>
  readonly answers: Readonly<Record<number, string>>
}
export const DESCRIBED_ROUTES: readonly DescribedRoute[] = []
