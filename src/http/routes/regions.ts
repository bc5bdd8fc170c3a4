import { Elysia } from "elysia";
import { RegionsAnswer } from "../schemas.ts";
import type { Services } from "../services.ts";

/** `GET /v1/regions`: every region, its location, and whether it is served now. */
export const regions = (services: Services) =>
  new Elysia({ name: "regions", aot: false, normalize: false }).get("/v1/regions", () => ({ regions: services.regions.list() }), {
    response: { 200: RegionsAnswer },
  });
