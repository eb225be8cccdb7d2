import type { Route } from '../../shared/contract/route.ts'
import { ROUTES } from '../../shared/contract/routes.ts'

const PATTERNS = Object.values(ROUTES as Record<string, Route>).map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replace(/:[A-Za-z]+/g, '[^/]+')}$`),
}))

/** Every operation at an address, whatever its method. */
export const routesAt = (path: string): Route[] => PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route)
