import { Elysia } from "elysia";
import { jsonBody } from "../body.ts";
import { keyCaller } from "../caller.ts";
import { checkUsername, RevokeRequest } from "../schemas.ts";
import type { Services } from "../services.ts";

/** `POST /v1/credentials/revoke`: ends one credential of the key's project; expired and unknown ones alike are done with. */
export const revoke = (services: Services) =>
  new Elysia({ name: "revoke", aot: false, normalize: false }).use(keyCaller(services)).post(
    "/v1/credentials/revoke",
    async ({ caller, body }) => {
      await services.records.revoke(checkUsername(body.username, caller.project.id));
      return new Response(null, { status: 204 });
    },
    { body: RevokeRequest, parse: jsonBody },
  );
