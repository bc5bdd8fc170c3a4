import { Problem } from "./problem.ts";

/** Octets of a request's body; one more is `payload_too_large`. */
export const MAX_BODY_OCTETS = 16 * 1024;

/**
 * What stands in place of a body that could not be read. It passes no schema, so validation refuses it; but only after
 * the caller has been asked who they are, for a stranger learns nothing from a body's faults.
 */
export class Unreadable {
  readonly problem: Problem;

  constructor(problem: Problem) {
    this.problem = problem;
  }
}

/** The body of a request as text, cut off one octet after the most it may have: a long one is never in memory. */
export async function boundedText(request: Request): Promise<string> {
  if (!request.body) return "";
  const pieces: Uint8Array[] = [];
  let octets = 0;
  const reader = request.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    octets += next.value.length;
    if (octets <= MAX_BODY_OCTETS) continue;
    await reader.cancel();
    break;
  }
  return Buffer.concat(pieces)
    .subarray(0, MAX_BODY_OCTETS + 1)
    .toString();
}

/** For `parse` of a route: the body as a JSON object, or {@link Unreadable}. An empty one was made `{}` by then. */
export async function jsonBody({ request }: { request: Request }): Promise<object> {
  const text = await request.text();
  if (Buffer.byteLength(text) > MAX_BODY_OCTETS)
    return unreadable("payload_too_large", `A body has at most ${MAX_BODY_OCTETS} octets`);
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return unreadable("unsupported_media_type", "A body is application/json");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
    return unreadable("invalid_body", "The body is not a JSON object");
  } catch {
    return unreadable("invalid_body", "The body is not JSON");
  }
}

function unreadable(code: "payload_too_large" | "unsupported_media_type" | "invalid_body", detail: string): Unreadable {
  return new Unreadable(new Problem(code, detail));
}
