import { Elysia } from "elysia";
import { docsPage, rootPage } from "../html.ts";
import { openApi } from "../openapi.ts";
import type { Services } from "../services.ts";

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `GET /`, `GET /docs` and `GET /openapi.json`: what this is, for people and for programs; each loads nothing from elsewhere. */
export const pages = (services: Services) => {
  const description = JSON.stringify(openApi(services.version));
  const root = rootPage();
  const docs = docsPage();

  return new Elysia({ name: "pages", aot: false, normalize: false })
    .get("/", () => html(root))
    .get("/docs", () => html(docs))
    .get("/openapi.json", () => new Response(description, { headers: { "content-type": "application/json" } }));
};

function html(page: string): Response {
  return new Response(page, {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy, "referrer-policy": "no-referrer" },
  });
}
