/** Every code of a problem, with its status and title. The codes are stable: callers branch on them. */
const problems = {
  unauthorized: { status: 401, title: "Unauthorized" },
  invalid_body: { status: 400, title: "Invalid body" },
  invalid_ttl: { status: 400, title: "Invalid ttl" },
  unknown_region: { status: 400, title: "Unknown region" },
  invalid_label: { status: 400, title: "Invalid label" },
  region_not_enabled: { status: 403, title: "Region not enabled" },
  region_unavailable: { status: 503, title: "Region unavailable" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  payload_too_large: { status: 413, title: "Payload too large" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Internal error" },
} as const;

export type ProblemCode = keyof typeof problems;

/** All codes, in the order of the contract. */
export const problemCodes: readonly { readonly code: ProblemCode; readonly status: number; readonly title: string }[] =
  Object.keys(problems)
    .filter(isProblemCode)
    .map((code) => ({ code, ...problems[code] }));

/**
 * What a caller did wrong, or we: thrown anywhere below a route, answered as RFC 9457 says.
 *
 * @example throw new Problem("region_unavailable", "No gateway serves it now", { "retry-after": "5" });
 */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail a sentence for whoever reads it, without anything secret */
  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.code = code;
    this.headers = headers;
  }
}

/** The one problem of everybody who did not prove who they are: the same octets whatever was wrong. */
export function unauthorized(): Problem {
  return new Problem("unauthorized", "A valid bearer token is required", { "www-authenticate": "Bearer" });
}

/** A problem as an answer: `application/problem+json` (RFC 9457 §3). */
export function problemResponse({ code, message: detail, headers }: Problem): Response {
  const { status, title } = problems[code];
  const body = JSON.stringify({ type: `/docs#${code}`, title, status, detail, code });
  return new Response(body, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

function isProblemCode(text: string): text is ProblemCode {
  return text in problems;
}
