import { Elysia } from "elysia";
import type { CredentialKeys } from "../../credentials/credential-keys.ts";
import { mintAnswer } from "../../credentials/ice-servers.ts";
import { jsonBody } from "../body.ts";
import { keyCaller } from "../caller.ts";
import { countMint, endpointsOf, mintFor, secretive, unavailable } from "../minting.ts";
import { checkLabel, checkTtl, MintAnswer, MintRequest } from "../schemas.ts";
import type { Services } from "../services.ts";

/** `POST /v1/credentials`: an API key in, one credential pair for every transport of a region out. */
export const credentials = (services: Services, keys: CredentialKeys) =>
  new Elysia({ name: "credentials", aot: false, normalize: false }).use(keyCaller(services)).post(
    "/v1/credentials",
    ({ caller, body, set }) => {
      const { settings, regions } = services;
      const { project } = caller;
      countMint(services, caller);

      const { ttl = settings.defaultTtl, region = regions.defaultFor(project), label, transports } = body;
      checkTtl(ttl, settings.maxTtl);
      checkLabel(label);
      const endpoints = endpointsOf(services, project, region);

      const answer = mintAnswer(mintFor(services, keys, { project, region, ttl, label }), region, endpoints, transports);
      if (answer.iceServers.length === 0) throw unavailable(`No gateway of "${region}" offers these transports now`);
      Object.assign(set.headers, secretive);
      return answer;
    },
    { body: MintRequest, parse: jsonBody, response: { 200: MintAnswer } },
  );
