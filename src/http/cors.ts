const PREFLIGHT_SECONDS = "7200"; // as long as browsers will keep it

/**
 * The headers that let a page of another origin read an answer; none for an origin that is not allowed.
 *
 * Credentials mode is never allowed: tokens travel in a header or in the URL, not in cookies.
 *
 * @param allowed origins, or `*` for any; empty: no CORS at all
 */
export function corsHeaders(origin: string | null, allowed: readonly string[]): Readonly<Record<string, string>> {
  if (allowed.length === 0) return {};
  const exposed = { "access-control-expose-headers": "X-Request-Id, Retry-After" };
  if (allowed.includes("*")) return { "access-control-allow-origin": "*", ...exposed };
  if (origin === null || !allowed.includes(origin)) return { vary: "Origin" };
  return { "access-control-allow-origin": origin, vary: "Origin", ...exposed };
}

/** What a preflight is told beside {@link corsHeaders}. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-methods": "GET, HEAD",
  "access-control-allow-headers": "Authorization, Content-Type",
  "access-control-max-age": PREFLIGHT_SECONDS,
};
