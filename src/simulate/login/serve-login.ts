/** The pages by which people sign in through the app and create apps; undefined when the path is none of theirs. */
import type { Answer } from "../rest/answer.ts";
import type { World } from "../world/world.ts";
import { authorizePerson } from "./authorize-person.ts";
import { createAppFromManifest } from "./create-app.ts";
import { exchangeCode } from "./exchange-code.ts";

export interface LoginRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
  readonly accept: string;
  readonly contentType: string;
}

export function serveLogin(world: World, request: LoginRequest): Answer | undefined {
  const path = request.url.pathname;
  if (path === "/login/oauth/authorize" && request.method === "GET") return authorizePerson(world, request.url);
  if (path === "/login/oauth/access_token" && request.method === "POST") return exchangeCode(world, request);
  if (/^(\/organizations\/[^/]+)?\/settings\/apps\/new$/.test(path)) return createAppFromManifest(world, request);
  return undefined;
}

/** Form or JSON, as clients of these pages send either. */
export function readFields(request: LoginRequest): URLSearchParams {
  const source = request.body.toString();
  if (!request.contentType.includes("json")) return new URLSearchParams(source);
  const fields: Record<string, string> = JSON.parse(source);
  return new URLSearchParams(fields);
}
