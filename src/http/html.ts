import { type Described, described, type Operation, operations } from "./openapi.ts";
import { problemCodes } from "./problem.ts";

const style = `
  :root { color-scheme: light dark; }
  body { max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; font: 1rem/1.6 system-ui, sans-serif; }
  h1 { margin-bottom: 0.5rem; font-size: 1.6rem; line-height: 1.25; }
  h2 { margin-top: 3rem; padding-top: 1.5rem; border-top: 1px solid #8886; font-size: 1.25rem; }
  h3 { margin: 1.75rem 0 0.5rem; font-size: 1rem; }
  code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
  pre { padding: 0.9rem 1rem; border: 1px solid #8886; border-radius: 6px; background: #8881; }
  pre, .table { overflow-x: auto; }
  nav ul { padding-left: 1.25rem; }
  table { width: 100%; border-collapse: collapse; }
  td, th { padding: 0.35rem 1rem 0.35rem 0; text-align: left; vertical-align: top; } th { font-size: 0.9rem; }
  td:last-child { padding-right: 0; overflow-wrap: anywhere; } tr { border-bottom: 1px solid #8884; } .method { font-weight: 700; text-transform: uppercase; }
`;

/** `GET /`: what a person sees who follows a link here. */
export function rootPage(): string {
  return page(
    "icebreaker",
    `<h1>icebreaker</h1>
<p>This is a relay for calls between browsers: a STUN and TURN server, with an API that hands out short-lived credentials for it.</p>
<p>If you build something with it, read <a href="/docs">how the API works</a>; programs read <a href="/openapi.json">openapi.json</a>.</p>
<p>If you only came upon this address, there is nothing for you to do here.</p>`,
  );
}

/** `GET /docs`: every endpoint with an example, every field, every problem. */
export function docsPage(): string {
  return page(
    "The API of icebreaker",
    `<h1>The API of icebreaker</h1>
<p>Your server asks for credentials with the API key of a project, and hands the answer to the browser. The same in
<a href="/openapi.json">OpenAPI 3.1</a>.</p>
<nav><ul>
${operations.map(({ id, method, path }) => `<li><a href="#${id}"><code>${method.toUpperCase()} ${path}</code></a></li>`).join("\n")}
<li><a href="#problems">Problems</a></li>
</ul></nav>
${operations.map(operationSection).join("\n")}
<h2 id="problems">Problems</h2>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Branch on <code>code</code>, which is stable; <code>detail</code> is for people.
Each answer has an <code>X-Request-Id</code>, which leads an operator to the line in the log.</p>
<div class="table"><table><tr><th>code</th><th>status</th><th></th></tr>
${problemCodes.map(({ code, status, title }) => `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td></tr>`).join("\n")}
</table></div>`,
  );
}

function operationSection({ method, path, id, summary, description, security, request, answer, problems }: Operation): string {
  return `<h2 id="${id}">${escaped(summary)}</h2>
<p><code><span class="method">${method}</span> ${path}</code></p>
<p>${prose(description)}</p>
${security.length > 0 ? `<pre>${escaped(curl(method, path, request?.example))}</pre>` : ""}
${request ? `<h3>Request</h3>${fieldTable(request.schema)}` : ""}
<h3>Answer: ${answer.status}</h3>
${answer.schema ? fieldTable(answer.schema) : ""}
${answer.example === undefined ? "" : `<pre>${escaped(JSON.stringify(answer.example, null, 2))}</pre>`}
${problems.length > 0 ? `<p>Problems: ${problems.map((code) => `<a href="#${code}"><code>${code}</code></a>`).join(", ")}.</p>` : ""}`;
}

function curl(method: string, path: string, body: unknown): string {
  const lines = [
    `curl ${method === "post" ? "-X POST " : ""}https://relay.example.com${path}`,
    `  -H "Authorization: Bearer $ICEBREAKER_KEY"`,
  ];
  if (body !== undefined) lines.push(`  -H "Content-Type: application/json"`, `  -d '${JSON.stringify(body)}'`);
  return lines.join(" \\\n");
}

function fieldTable(schema: string): string {
  const { properties = {} } = described(schema);
  const rows = Object.entries(properties).map(([name, field]) => {
    const type = `<code>${escaped(typeOf(field))}</code>`;
    return `<tr><td><code>${name}</code></td><td>${type}</td><td>${prose(field.description ?? "")}</td></tr>`;
  });
  return `<div class="table"><table><tr><th>field</th><th>type</th><th></th></tr>${rows.join("\n")}</table></div>`;
}

/** `string`, `"udp" | "tcp"`, `IceServer[]`. */
function typeOf({ type = "", enum: words, const: word, items, $ref }: Described): string {
  if (word !== undefined) return `"${word}"`;
  if ($ref !== undefined) return $ref.slice($ref.lastIndexOf("/") + 1);
  if (words !== undefined) return words.map((word) => `"${word}"`).join(" | ");
  if (items === undefined) return type;
  const inner = typeOf(items);
  return inner.includes(" ") ? `(${inner})[]` : `${inner}[]`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>${style}</style></head>
<body>
${body}
</body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A sentence with `code` in it. */
function prose(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}
