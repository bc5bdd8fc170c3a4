import { Elysia } from "elysia";
import type { Services } from "../services.ts";

/** `GET /metrics`: Prometheus' text format. */
export const metrics = (services: Services) =>
  new Elysia({ name: "metrics", aot: false, normalize: false }).get(
    "/metrics",
    async () =>
      new Response(await services.metrics(), { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } }),
  );
