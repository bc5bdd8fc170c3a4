import { isConfigured, type LoadedSettings } from "../config/load.ts";
import type { Libc } from "../dataplane/libc.ts";
import { formatAddress, type TransportAddress } from "../net/address.ts";
import { assertListenable, type Opened, openListeners, withoutIpv6 } from "../threads/descriptors.ts";
import type { Listener } from "../threads/plan.ts";
import type { BoundPorts, ThreadCounts } from "./derive.ts";
import type { Host } from "./host.ts";

/** All listening sockets of threads, and where they ended up. */
export interface OpenedListeners {
  readonly udp: readonly Opened[];
  readonly tcp: readonly Opened[];
  readonly tls: readonly Opened[];
  readonly bound: BoundPorts;
  /** A sentence for each default port that was refused. */
  readonly moved: readonly string[];
}

/**
 * Opens them all, once, in the order of the settings.
 *
 * @throws {ListenFailure} for a port that was configured and is refused
 */
export function openAllListeners(libc: Libc, loaded: LoadedSettings, host: Host, threads: ThreadCounts): OpenedListeners {
  const moved: string[] = [];
  const open = (kind: "udp" | "tcp" | "tls"): readonly Opened[] => {
    const replaceable = !isConfigured(loaded, `listen.${kind}`);
    return loaded.settings.listen[kind].map((wanted) => {
      const address = replaceable ? onThisHost(wanted, host) : wanted;
      const opened = openListeners(libc, { kind, address, replaceable, threads: kind === "udp" ? threads.relay : threads.edge });
      if (opened.refused !== undefined) {
        const instead = boundOf(opened).map(formatAddress).join();
        moved.push(
          `listen.${kind}: ${formatAddress(address)} was refused (${opened.refused}): ${instead} instead, and the URLs carry it`,
        );
      }
      return opened;
    });
  };
  for (const kind of ["http", "metrics"] as const)
    if (isConfigured(loaded, `listen.${kind}`))
      for (const address of loaded.settings.listen[kind]) assertListenable(libc, kind, address);
  const [udp, tcp, tls] = [open("udp"), open("tcp"), open("tls")];
  return { udp, tcp, tls, bound: { udp: udp.flatMap(boundOf), tcp: tcp.flatMap(boundOf), tls: tls.flatMap(boundOf) }, moved };
}

/** What thread number `index` listens on. */
export function listenersOf(opened: readonly Opened[], index: number): readonly Listener[] {
  return opened.flatMap(({ listeners }) => listeners.slice(index, index + 1));
}

/** A default `[::]` means `0.0.0.0` where there is no IPv6. */
export function onThisHost(address: TransportAddress, { addresses }: Host): TransportAddress {
  return addresses.some(({ family }) => family === 6) ? address : withoutIpv6(address);
}

function boundOf({ listeners }: Opened): readonly TransportAddress[] {
  return listeners.slice(0, 1).map(({ address }) => address);
}
