import { openLibc } from "../src/dataplane/libc.ts";
import { parseAddress } from "../src/net/address.ts";
import { openRuntime } from "../src/runtime/runtime.ts";
import { startGateway } from "../test/support/gateway.ts";
import { SteadyLoad } from "./support/steady-load.ts";
import { UdpLoad } from "./support/udp-load.ts";
import { Verdicts } from "./support/verdicts.ts";

const LIMIT = 1_000_000;
const PAYLOAD = 1000;
/** Twice the limit in each of two directions. */
const DATAGRAMS_PER_SECOND = (4 * LIMIT) / PAYLOAD;
const SECONDS = 5;

/** A client that sends and is sent twice what it may: what of it passes, second by second. */
const verdicts = new Verdicts("bandwidth");
const gateway = await startGateway({
  settings: {
    relay: { address: ["127.0.0.1"], peers: { allow: ["127.0.0.0/8"] } },
    limits: { bandwidth_per_allocation: LIMIT },
  },
});
const credentials = await gateway.mint();
const server = parseAddress(`127.0.0.1:${gateway.ports.udp}`);
const options = { server, clients: 1, credentialsOf: () => credentials, payload: PAYLOAD, segmentation: false };
const load = new UdpLoad(openLibc(await openRuntime()), options);
const steady = new SteadyLoad(load);
let farthest = 0;
for (let second = 0; second < SECONDS; second++) {
  const before = load.delivered;
  steady.run(DATAGRAMS_PER_SECOND, 1);
  const share = ((load.delivered - before) * PAYLOAD) / (2 * LIMIT);
  farthest = Math.max(farthest, Math.abs(share - 1));
  verdicts.note(`second ${second + 1}: ${(100 * share).toFixed(1)} % of the limit`);
}
verdicts.atMost("farthest from the limit in a second, in percent", 100 * farthest, 5);
await load.close();
await gateway.stop();
