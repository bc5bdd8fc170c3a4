import { datagrams } from "./datagrams.ts";
import { http } from "./http.ts";
import { native } from "./native.ts";
import { sqlite } from "./sqlite.ts";
import { threads } from "./threads.ts";
import { tls } from "./tls.ts";

/** What the architecture takes from the platform, a function each; it throws where the platform does not give it. */
const needed: Readonly<Record<string, () => Promise<void>>> = { tls, http, sqlite, threads, datagrams, native };

for (const name of process.argv.slice(2)) {
  const act = needed[name];
  if (act === undefined) throw new RangeError(`There is no "${name}"`);
  await act();
  process.stdout.write(`${name} works\n`);
}
process.exit(0);
