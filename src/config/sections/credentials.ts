import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "../complain.ts";
import { oneOf, Seconds } from "../formats.ts";
import { closed } from "./closed.ts";

/** `[credentials]`. */
export const CredentialsSection = Type.Object(
  {
    default_ttl: Seconds({ default: 3600, minimum: 1, description: "Of `POST /v1/credentials`, where the request names none." }),
    max_ttl: Seconds({ default: 172_800, minimum: 1, description: "The longest `ttl` that can be asked for." }),
    ice_servers_ttl: Seconds({ default: 86_400, minimum: 1, description: "Of `GET /api/v1/ice-servers`." }),
    on_expiry: oneOf(["finish", "cut"], {
      default: "finish",
      description: '"finish": a live allocation outlives its credential, until `max_allocation_age`; "cut": it ends with it.',
    }),
    max_allocation_age: Seconds({
      default: 86_400,
      minimum: 1,
      description: "No allocation is older, counted from its Allocate.",
    }),
  },
  closed,
);

export type CredentialsSection = StaticDecode<typeof CredentialsSection>;

/** A request without a `ttl` must be one that could have asked for it. */
export function* credentialsComplaints({ default_ttl, max_ttl }: CredentialsSection): Generator<Complaint> {
  if (default_ttl <= max_ttl) return;
  const problem = `is ${default_ttl}, more than credentials.max_ttl, which is ${max_ttl}`;
  yield { key: "credentials.default_ttl", problem, remedy: "lower the one or raise the other" };
}
