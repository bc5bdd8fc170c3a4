import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

/** What to ask, and of whom. */
export interface HttpQuestion {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For HTTPS: the authority to trust, and the name that the certificate must carry. */
  readonly tls?: { readonly ca: string; readonly servername: string };
}

/** What a server said. */
export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const TIMEOUT_MS = 10_000;

/** Asks over a connection of its own, to an address of the test's choice whatever the name. */
export function askHttp({ tls, body, headers, ...question }: HttpQuestion): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const { host, port, path, method = "GET" } = question;
    const options = { host, port, path, method, headers: { connection: "close", ...headers }, agent: false };
    const request = tls === undefined ? requestHttp(options) : requestHttps({ ...options, ...tls });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`No answer to ${method} ${path} in ${TIMEOUT_MS} ms`)));
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    request.end(body);
  });
}
