import type { Directory } from "../directory/directory.ts";
import type { Regions } from "../directory/regions.ts";
import type { Secret } from "../lib/secret.ts";
import type { Clock } from "../lib/time.ts";
import type { RateLimit } from "../policy/rate.ts";

/** Everything the routes may use. Settings are read at each request, so that a reload may replace them. */
export interface Services {
  readonly clock: Clock;
  readonly directory: Directory;
  readonly regions: Regions;
  /** Mints of a key: a minute's worth. */
  readonly mints: RateLimit;
  readonly records: Records;
  readonly settings: HttpSettings;
  readonly log: ErrorLog;
  /** What is wrong with this gateway now. */
  health(): Health;
  /** All metrics in Prometheus' text format. */
  metrics(): string | Promise<string>;
  /** Short, unique and without meaning: `X-Request-Id`. */
  newRequestId(): string;
  /** true: this app is that of `listen.metrics`, and serves /metrics, /healthz and /readyz alone. */
  readonly metricsRoutes: boolean;
  /** Of this program, for `/openapi.json`. */
  readonly version: string;
}

/** As much of the settings as the API needs. */
export interface HttpSettings {
  /** Seconds; of `POST /v1/credentials`. */
  readonly defaultTtl: number;
  readonly maxTtl: number;
  /** Seconds; of `GET /api/v1/ice-servers`. */
  readonly iceServersTtl: number;
  /** Origins that may call `GET /api/v1/ice-servers` from a browser; `*` for any. */
  readonly corsOrigins: readonly string[];
  /** STUN servers beside our own. */
  readonly stunUrls: readonly string[];
  /** Absent: JWTs are refused. */
  readonly jwt?: JwtSettings | undefined;
}

/** Which JWTs are believed. Exactly one of `jwks`, `secret` and `publicKey` is there. */
export interface JwtSettings {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Pinned; with `secret` HS256 is the only one, whatever stands here. */
  readonly algorithms: readonly string[];
  readonly jwks?: string | undefined;
  readonly secret?: Secret | undefined;
  /** PEM: SubjectPublicKeyInfo, or a certificate. */
  readonly publicKey?: string | undefined;
  /** Whom a token speaks for, unless its claim `project` says. */
  readonly project?: string | undefined;
}

/** What only the main thread can do; it is asked, and answers later. */
export interface Records {
  /**
   * A revocation is in force on this gateway from now on. `written`: it is in the database; `waits`: that does not take it
   * now, and is tried again until it does.
   */
  revoke(revocation: { readonly username: string; readonly expiresUnixMs: number }): Promise<"written" | "waits">;
}

/** The answer of `/readyz`. */
export interface Health {
  readonly status: "ready" | "degraded" | "draining" | "starting";
  readonly problems: readonly { readonly code: string; readonly detail: string }[];
}

/** Where mistakes of our own are told; a client's address at `debug` only. */
export interface ErrorLog {
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
  debug(fields: Readonly<Record<string, unknown>>, text: string): void;
}
