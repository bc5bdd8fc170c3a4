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

/** What a {@link BoundedRequest} is made of. */
export interface RequestParts {
  readonly method: string;
  /** Become the request's own. */
  readonly headers: Headers;
  /** At most one octet more than a body may have. */
  readonly body?: Uint8Array | undefined;
}

const unread = new ReadableStream<Uint8Array<ArrayBuffer>>();
const utf8 = new TextDecoder();

/**
 * A request whose body is in memory, as routes see it. A POST has a body, be it empty, and one without a type is JSON; there
 * are no cookies, which nothing here reads.
 *
 * The body is a text and no stream: to make one and read it costs more than to find the route.
 */
export class BoundedRequest extends Request {
  /** Who only asks whether there is a body is told so; it is read as text. */
  override readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  override readonly text: () => Promise<string>;

  constructor(url: string, { method, headers, body }: RequestParts) {
    headers.delete("cookie");
    if (method === "POST" && !headers.get("content-type")) headers.set("content-type", "application/json");
    super(url, { method, headers });
    this.body = method === "POST" ? unread : null;
    const content = body === undefined || body.length === 0 ? "" : utf8.decode(body);
    this.text = async () => content;
  }
}

/** A request as routes see it: HEAD is GET, and of a long body no more is read than shows that it is long. */
export async function bounded(request: Request): Promise<BoundedRequest> {
  const isHead = request.method === "HEAD";
  if (request instanceof BoundedRequest && !isHead) return request;
  const headers = new Headers(request.headers);
  return new BoundedRequest(request.url, { method: isHead ? "GET" : request.method, headers, body: await octetsOf(request) });
}

/** The body, cut off one octet after the most it may have. */
async function octetsOf(request: Request): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared <= MAX_BODY_OCTETS) return new Uint8Array(await request.arrayBuffer()); // no stream for what is known to be short
  const pieces: Uint8Array[] = [];
  let octets = 0;
  const reader = request.body?.getReader();
  for (let next = await reader?.read(); reader && next?.value; next = await reader.read()) {
    pieces.push(next.value);
    octets += next.value.length;
    if (octets <= MAX_BODY_OCTETS) continue;
    await reader.cancel();
    break;
  }
  return Buffer.concat(pieces).subarray(0, MAX_BODY_OCTETS + 1);
}

/** For `parse` of a route: the body as a JSON object, `{}` if it is empty, or {@link Unreadable}. */
export async function jsonBody({ request }: { request: Request }): Promise<object> {
  const text = await request.text();
  if (text === "") return {};
  if (Buffer.byteLength(text) > MAX_BODY_OCTETS)
    return unreadable("payload_too_large", `A body has at most ${MAX_BODY_OCTETS} octets`);
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return unreadable("unsupported_media_type", "A body is application/json");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return unreadable("invalid_body", "The body is not a JSON object");
    return canBeWorded(value) ? value : unreadable("invalid_body", 'A "toString" in a body is no value that a request has');
  } catch {
    return unreadable("invalid_body", "The body is not JSON");
  }
}

/** Elysia words what it found instead of a string, which fails where `toString` is data. */
function canBeWorded(body: object): boolean {
  try {
    return String(Object.values(body)).length >= 0;
  } catch {
    return false;
  }
}

function unreadable(code: "payload_too_large" | "unsupported_media_type" | "invalid_body", detail: string): Unreadable {
  return new Unreadable(new Problem(code, detail));
}
