import { Elysia } from "elysia";
import type { CredentialKeys } from "../../credentials/credential-keys.ts";
import { iceServersAnswer } from "../../credentials/ice-servers.ts";
import { anyCaller } from "../caller.ts";
import { countMint, endpointsOf, mintFor, secretive } from "../minting.ts";
import { IceServersAnswer } from "../schemas.ts";
import type { Services } from "../services.ts";

/** The one path that browsers of other origins may be let call. */
export const ICE_SERVERS_PATH = "/api/v1/ice-servers";

/** `GET /api/v1/ice-servers`: a JWT or an API key in, STUN and TURN servers for RTCPeerConnection out. */
export const iceServers = (services: Services, keys: CredentialKeys) =>
  new Elysia({ name: "ice-servers", aot: false, normalize: false }).use(anyCaller(services)).get(
    ICE_SERVERS_PATH,
    ({ caller, set }) => {
      const { settings, regions } = services;
      const { project } = caller;
      countMint(services, caller);

      const region = regions.defaultFor(project);
      const endpoints = endpointsOf(services, project, region);
      const pair = mintFor(services, keys, { project, region, ttl: settings.iceServersTtl });
      Object.assign(set.headers, secretive);
      return iceServersAnswer(pair, endpoints, settings.stunUrls);
    },
    { response: { 200: IceServersAnswer } },
  );
