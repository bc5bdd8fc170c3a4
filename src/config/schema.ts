import { type StaticDecode, Type } from "@sinclair/typebox";
import type { Complaint } from "./complain.ts";
import { HostnameText, PathText, SlugText } from "./formats.ts";
import { AdvertiseSection } from "./sections/advertise.ts";
import { AuthSection, authComplaints } from "./sections/auth.ts";
import { closed } from "./sections/closed.ts";
import { CredentialsSection, credentialsComplaints } from "./sections/credentials.ts";
import { DatabaseSection } from "./sections/database.ts";
import { HttpSection } from "./sections/http.ts";
import { LimitsSection } from "./sections/limits.ts";
import { ListenSection, listenComplaints } from "./sections/listen.ts";
import { LogSection } from "./sections/log.ts";
import { RelaySection, relayComplaints } from "./sections/relay.ts";
import { ShutdownSection } from "./sections/shutdown.ts";
import { StunSection } from "./sections/stun.ts";
import { TlsSection, tlsComplaints } from "./sections/tls.ts";

/** The only description of every setting: name, type, default, limits, and the sentence of the reference page. */
export const SettingsSchema = Type.Object(
  {
    hostname: Type.Optional(
      HostnameText({
        restart: true,
        example: "relay.example.com",
        description:
          "The host in every ICE URL, and the realm. Unset: the first external address. A name that does not resolve is a warning at start.",
      }),
    ),
    region: SlugText({ restart: true, default: "us-east", description: "The region this gateway serves." }),
    state_dir: Type.Optional(
      PathText({
        restart: true,
        example: "/var/lib/icebreaker",
        description:
          "Where what must outlive a restart is kept. Unset: `$STATE_DIRECTORY`, else `/var/lib/icebreaker` if it exists, else `./state`.",
      }),
    ),
    listen: ListenSection,
    advertise: AdvertiseSection,
    relay: RelaySection,
    stun: StunSection,
    tls: TlsSection,
    database: DatabaseSection,
    credentials: CredentialsSection,
    auth: AuthSection,
    http: HttpSection,
    limits: LimitsSection,
    shutdown: ShutdownSection,
    log: LogSection,
  },
  closed,
);

/** What `SettingsSchema` describes, read: addresses are addresses, ranges are ranges, secrets do not print. */
export type Settings = StaticDecode<typeof SettingsSchema> & { readonly state_dir: string };

/** Everything that no key can know alone. */
export function* complaintsAcross(settings: Settings): Generator<Complaint> {
  yield* listenComplaints(settings.listen);
  yield* relayComplaints(settings.relay);
  yield* tlsComplaints(settings.tls, settings.hostname);
  yield* credentialsComplaints(settings.credentials);
  yield* authComplaints(settings.auth);
}
