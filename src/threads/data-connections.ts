import { Pace } from "../dataplane/tcp/pace.ts";
import { Splice, type SplicePaces } from "../dataplane/tcp/splice.ts";
import { TcpRelays } from "../dataplane/tcp/tcp-relays.ts";
import type { Libc } from "../dataplane/libc.ts";
import { close } from "../dataplane/socket.ts";
import type { StreamClients } from "../edge/stream-clients.ts";
import type { TransportAddress } from "../net/address.ts";
import type { RawStreams } from "../runtime/runtime.ts";
import type { StreamAction } from "../turn/action.ts";
import type { Input } from "../turn/input.ts";

/** What the streams of TCP allocations need of their thread. */
export interface DataConnectionsParts {
  readonly libc: Libc;
  readonly streams: RawStreams;
  readonly clients: StreamClients;
  /** Lets the shard think about what has happened. */
  readonly think: (input: Input) => void;
  /** What the client calls the sender of a connection. */
  readonly shownOf: (wire: TransportAddress) => TransportAddress;
  /** What an allocation may carry each way; 0 is no limit. */
  readonly bytesPerSecond: () => number;
}

/** The connections of one allocation that this thread carries. */
interface Share {
  readonly paces: SplicePaces;
  connections: number;
}

/** The streams of TCP allocations on an edge thread (RFC 6062): relayed ports, and what is passed between client and peer. */
export class DataConnections {
  readonly relays: TcpRelays;
  readonly #parts: DataConnectionsParts;
  readonly #splices = new Map<string, Splice>();
  readonly #shares = new Map<string, Share>();

  constructor(parts: DataConnectionsParts) {
    this.#parts = parts;
    this.relays = new TcpRelays(parts.libc, parts.streams, {
      accepted: (relay, peer, descriptor) => parts.think({ kind: "peerAccepted", relay, peer: parts.shownOf(peer), descriptor }),
      connected: (connection, descriptor) => parts.think({ kind: "peerConnected", connection, descriptor }),
      failed: (connection) => parts.think({ kind: "peerFailed", connection }),
    });
  }

  /** Does what the engine wants. */
  perform(action: StreamAction): void {
    const { libc, clients } = this.#parts;
    switch (action.kind) {
      case "connectPeer":
        return this.relays.connect(action.connection, action.relay, action.wire);
      case "giveUpPeer":
        return this.relays.giveUp(action.connection);
      case "closePeer":
        return close(libc, action.descriptor);
      case "holdClient":
        return clients.hold(action.client.socket);
      case "releaseClient":
        return clients.release(action.client.socket);
      case "splice":
        return this.#splice(action);
      case "closeSplice":
        return this.#splices.get(`${action.shard} ${action.connection}`)?.close();
    }
  }

  /** Ends everything. */
  close(): void {
    for (const splice of [...this.#splices.values()]) splice.close();
    this.relays.close();
  }

  #splice({ client, descriptor, shard, connection, allocation }: Extract<StreamAction, { readonly kind: "splice" }>): void {
    const { libc, clients, streams, think } = this.#parts;
    const stream = clients.detach(client.socket);
    if (stream === undefined) {
      close(libc, descriptor); // the client has gone meanwhile
      return think({ kind: "spliceEnded", shard, connection, toPeer: 0, toClient: 0 });
    }
    const key = `${shard} ${connection}`;
    const share = this.#share(`${shard} ${allocation}`);
    const ended = ({ toPeer, toClient }: { readonly toPeer: number; readonly toClient: number }): void => {
      this.#splices.delete(key);
      share?.leave();
      think({ kind: "spliceEnded", shard, connection, toPeer, toClient });
    };
    this.#splices.set(key, new Splice(stream.socket, stream.head, descriptor, streams, ended, share?.paces));
  }

  /** An allocation's bandwidth is one, however many connections it has here. */
  #share(key: string): { readonly paces: SplicePaces; readonly leave: () => void } | undefined {
    const perSecond = this.#parts.bytesPerSecond();
    if (perSecond === 0) return undefined;
    const fresh = (): Share => ({ paces: { toPeer: new Pace(perSecond), toClient: new Pace(perSecond) }, connections: 0 });
    const share = this.#shares.get(key) ?? fresh();
    this.#shares.set(key, share);
    share.connections += 1;
    const leave = (): void => {
      share.connections -= 1;
      if (share.connections === 0) this.#shares.delete(key);
    };
    return { paces: share.paces, leave };
  }
}
