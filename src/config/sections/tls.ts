import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "../complain.ts";
import { PassthroughText, PathText, Text, WebUrlText } from "../formats.ts";
import { closed } from "./closed.ts";

const AcmeSection = Type.Object(
  {
    email: Type.Optional(Text({ description: "Whom the authority writes to.", example: "ops@example.com" })),
    directory: WebUrlText({
      default: "https://acme-v02.api.letsencrypt.org/directory",
      description: "The authority's directory.",
    }),
  },
  { ...closed, description: "Instead of files: certificates for `hostname`, by TLS-ALPN-01 on `listen.tls`. Absent: off." },
);

/** `[tls]`. */
export const TlsSection = Type.Object(
  {
    certificate: Type.Optional(
      PathText({
        example: "/etc/icebreaker/fullchain.pem",
        description:
          "The certificate and its chain, in PEM. Watched: a good pair is taken within seconds, a bad one refused with a warning. Without it the gateway makes its own, which browsers do not accept for `turns:`.",
      }),
    ),
    key: Type.Optional(
      PathText({ example: "/etc/icebreaker/privkey.pem", description: "The certificate's private key, in PEM." }),
    ),
    passthrough: Type.Record(Type.String(), PassthroughText(), {
      restart: true,
      default: {},
      description:
        'TLS for these names goes through untouched, to a host and port: `{ "www.example.com" = "127.0.0.1:9443" }`; with `proxy+` before it the connection begins with a PROXY v2 header.',
    }),
    acme: Type.Optional(AcmeSection),
  },
  closed,
);

export type TlsSection = StaticDecode<typeof TlsSection>;

/** A certificate needs its key, and comes from one place. */
export function* tlsComplaints({ certificate, key, acme }: TlsSection, hostname: string | undefined): Generator<Complaint> {
  if (certificate !== undefined && key === undefined) {
    yield { key: "tls.key", problem: "is missing", remedy: "name the private key of tls.certificate" };
  }
  if (key !== undefined && certificate === undefined) {
    yield { key: "tls.certificate", problem: "is missing", remedy: "name the certificate of tls.key" };
  }
  if (acme === undefined) return;
  if (certificate !== undefined) {
    yield { key: "tls.acme", problem: "and tls.certificate are both set", remedy: "keep one of the two" };
  }
  if (hostname === undefined) {
    yield { key: "hostname", problem: "is missing", remedy: "tls.acme needs the name that certificates are for" };
  }
}
