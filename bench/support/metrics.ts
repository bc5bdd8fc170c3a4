import type { Gateway } from "../../test/support/gateway.ts";

/** The sum of a metric's series, or of those with a label. The name is without its prefix. @throws {Error} if there is none */
export async function metric(gateway: Gateway, name: string, label = ""): Promise<number> {
  const { text } = await gateway.ask({ path: "/metrics", over: "metrics" });
  const lines = text.split("\n").filter((line) => new RegExp(`^icebreaker_${name}[ {]`).test(line) && line.includes(label));
  if (lines.length === 0) throw new Error(`There is no metric ${name} ${label}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}
