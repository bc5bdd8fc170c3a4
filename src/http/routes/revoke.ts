import { Elysia } from "elysia";
import { jsonBody } from "../body.ts";
import { keyCaller } from "../caller.ts";
import { Problem } from "../problem.ts";
import { checkUsername, RevokeRequest } from "../schemas.ts";
import type { Services } from "../services.ts";

const IN_FORCE_HERE =
  "The database does not take changes now. The revocation is in force on this gateway; ask again to know that it is kept";

/** `POST /v1/credentials/revoke`: ends one credential of the key's project; expired and unknown ones alike are done with. */
export const revoke = (services: Services) =>
  new Elysia({ name: "revoke", aot: false, normalize: false }).use(keyCaller(services)).post(
    "/v1/credentials/revoke",
    async ({ caller, body }) => {
      const outcome = await services.records.revoke(checkUsername(body.username, caller.project.id));
      if (outcome === "waits") throw new Problem("internal", IN_FORCE_HERE, { "retry-after": "1" });
      return new Response(null, { status: 204 });
    },
    { body: RevokeRequest, parse: jsonBody },
  );
