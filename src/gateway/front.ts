import { isConfigured, type LoadedSettings } from "../config/load.ts";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import type { Api } from "../threads/api.ts";
import { explain, isRefusal, ListenFailure, portsToTry } from "../threads/descriptors.ts";
import type { Host } from "./host.ts";
import { onThisHost } from "./listeners.ts";

/**
 * Opens `listen.http` or `listen.metrics` on the main thread; a default port that is refused is replaced.
 *
 * @returns a sentence for each port that was replaced
 * @throws {ListenFailure} for a port that was configured and is refused
 */
export async function openFront(
  kind: "http" | "metrics",
  api: Api,
  loaded: LoadedSettings,
  host: Host,
): Promise<readonly string[]> {
  const replaceable = !isConfigured(loaded, `listen.${kind}`);
  const moved: string[] = [];
  for (const wanted of loaded.settings.listen[kind]) {
    const address = replaceable ? onThisHost(wanted, host) : wanted;
    const instead = await listen(kind, api, address, replaceable);
    if (instead !== undefined) moved.push(instead);
  }
  return moved;
}

async function listen(
  kind: "http" | "metrics",
  api: Api,
  address: TransportAddress,
  replaceable: boolean,
): Promise<string | undefined> {
  let refused: string | undefined;
  for (const port of portsToTry(address.port, replaceable)) {
    const code = await api.listen({ ip: address.ip, port }).then(
      () => undefined,
      (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : String(error)),
    );
    if (code === undefined && refused === undefined) return undefined;
    if (code === undefined) return `listen.${kind}: ${formatAddress(address)} was refused (${refused}): port ${port} instead`;
    refused ??= explain(code, kind, port);
    if (!replaceable || !isRefusal(code)) throw new ListenFailure({ kind, address }, code);
  }
  throw new ListenFailure({ kind, address }, "EADDRINUSE");
}
