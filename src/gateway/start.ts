import { randomUUID } from "node:crypto";
import manifest from "../../package.json" with { type: "json" };
import type { LoadedSettings } from "../config/load.ts";
import { openLibc } from "../dataplane/libc.ts";
import { openRuntime } from "../runtime/runtime.ts";
import type { EdgeSettings } from "../threads/plan.ts";
import { startCertificate } from "./certificate.ts";
import { openDatabase, showFirstKey } from "./database.ts";
import { apiSettings, endpoints, publicName, relayAddresses, threadCounts, warnings } from "./derive.ts";
import { databaseAddresses } from "./explain-peer.ts";
import { lookAtHost } from "./host.ts";
import { unresolved } from "./hostname.ts";
import { jwtPublicKey } from "./jwt-key.ts";
import { openAllListeners } from "./listeners.ts";
import { shareState } from "./memory.ts";
import { neighbours } from "./neighbours.ts";
import { RunningGateway, type Surroundings } from "./running.ts";
import { prepareStateDirectory } from "./state-directory.ts";

/**
 * Starts everything, in the order in which things are likely to fail: what a wrong setting or a taken port prevents,
 * before anything is made that would have to be undone.
 *
 * @throws {Error} whose sentence names the setting to change
 */
export async function startGateway(loaded: LoadedSettings, surroundings: Surroundings): Promise<RunningGateway> {
  const { settings } = loaded;
  const { log } = surroundings;
  const [host, libc] = [await lookAtHost(), openLibc(await openRuntime())];
  const addresses = relayAddresses(settings, host);
  const hostname = publicName(settings, addresses);
  const threads = threadCounts(settings, host);
  const publicKey = await jwtPublicKey(settings);
  const listeners = openAllListeners(libc, loaded, host, threads);
  await prepareStateDirectory(settings.state_dir);
  const certificate = settings.listen.tls.length > 0 ? await startCertificate(settings, hostname, Date.now()) : undefined;
  const { store, firstKey } = await openDatabase(settings);
  if (firstKey !== undefined) await showFirstKey(firstKey, settings.state_dir, surroundings);

  for (const warning of [...warnings(settings, addresses), ...(certificate?.warnings ?? []), ...listeners.moved])
    log.warn({}, warning);
  const { first: firstPort, last: lastPort } = settings.relay.ports;
  const own = {
    id: randomUUID(),
    endpoints: endpoints(settings, hostname, listeners.bound),
    version: manifest.version,
    publicKey,
  };
  const edge: EdgeSettings = {
    api: apiSettings(settings, own),
    proxyProtocol: settings.listen.proxy_protocol,
    passthrough: await neighbours(settings),
  };
  const gateway = new RunningGateway({
    loaded,
    databaseAddresses: await databaseAddresses(settings.database.url.revealText()),
    surroundings,
    libc,
    host,
    hostname,
    threads,
    listeners,
    certificate,
    store,
    own,
    edge,
    state: shareState({ addresses, firstPort, lastPort }, settings.region, threads),
  });
  await gateway.begin();
  void unresolved(settings.hostname).then((warning) => warning !== undefined && log.warn({}, warning));
  return gateway;
}
