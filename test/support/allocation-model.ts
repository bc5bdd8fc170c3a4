const PERMISSION_SECONDS = 300; // RFC 8656 §9
const CHANNEL_SECONDS = 600; // RFC 8656 §12
const CHANNEL_REST_SECONDS = 300; // RFC 8656 §12: before a number or a peer is bound to another
const DEFAULT_SECONDS = 600; // RFC 8656 §7.2, and the least that is granted
const MAX_SECONDS = 3600;

type Outcome = "ok" | number;

/**
 * What RFC 8656 lets one client of IPv4 have, in maps of moments: written from the RFC, not from the engine.
 *
 * Moments are whole seconds. What is alive until a moment is no longer alive at it.
 */
export class ModelAllocation {
  #until = 0;
  readonly #permissions = new Map<string, number>();
  readonly #channels = new Map<number, { readonly peer: string; readonly until: number }>();

  allocate(lifetime: number | undefined, now: number): Outcome {
    if (this.#lives(now)) return 437;
    this.end();
    this.#until = now + granted(lifetime);
    return "ok";
  }

  refresh(lifetime: number | undefined, now: number): Outcome {
    if (!this.#lives(now)) return 437;
    if (lifetime === 0) this.end();
    else this.#until = now + granted(lifetime);
    return "ok";
  }

  permit(peer: string, denied: boolean, now: number): Outcome {
    const refusal = this.#refusal(peer, now) ?? (denied ? 403 : undefined);
    if (refusal !== undefined) return refusal;
    this.#permissions.set(ipOf(peer), now + PERMISSION_SECONDS);
    return "ok";
  }

  bind(number: number, peer: string, denied: boolean, now: number): Outcome {
    const refusal = this.#refusal(peer, now);
    if (refusal !== undefined) return refusal;
    for (const [other, channel] of this.#channels) {
      const isTaken = now < channel.until + CHANNEL_REST_SECONDS;
      if (isTaken && (other === number) !== (channel.peer === peer)) return 400;
    }
    if (denied) return 403;
    for (const [other, channel] of this.#channels) if (channel.peer === peer) this.#channels.delete(other);
    this.#channels.set(number, { peer, until: now + CHANNEL_SECONDS });
    this.#permissions.set(ipOf(peer), now + PERMISSION_SECONDS);
    return "ok";
  }

  /** Whether a Send indication reaches its peer. */
  toPeer(peer: string, now: number): boolean {
    return this.#lives(now) && this.#permits(peer, now);
  }

  /** The peer that ChannelData reaches. A channel needs no permission on the way out. */
  toPeerOver(number: number, now: number): string | undefined {
    const channel = this.#channels.get(number);
    return this.#lives(now) && channel !== undefined && now < channel.until ? channel.peer : undefined;
  }

  /** How a peer's datagram reaches the client: over a channel, as a Data indication, or not. */
  fromPeer(peer: string, now: number): number | "indication" | "dropped" {
    if (!this.#lives(now) || !this.#permits(peer, now)) return "dropped";
    const [channel] = [...this.#channels].find(([, bound]) => bound.peer === peer && now < bound.until) ?? [];
    return channel ?? "indication";
  }

  /** What LIFETIME must say. */
  secondsLeft(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** When something will end: the moments at which mistakes show. */
  moments(now: number): number[] {
    const channels = [...this.#channels.values()].flatMap(({ until }) => [until, until + CHANNEL_REST_SECONDS]);
    return [this.#until, ...this.#permissions.values(), ...channels].filter((moment) => moment > now);
  }

  /** The allocation is gone, with all that hung on it. */
  end(): void {
    this.#until = 0;
    this.#permissions.clear();
    this.#channels.clear();
  }

  #lives(now: number): boolean {
    return now < this.#until;
  }

  #permits(peer: string, now: number): boolean {
    return now < (this.#permissions.get(ipOf(peer)) ?? 0);
  }

  #refusal(peer: string, now: number): number | undefined {
    if (!this.#lives(now)) return 437;
    return peer.startsWith("[") ? 443 : undefined;
  }
}

function granted(lifetime: number | undefined): number {
  return Math.min(MAX_SECONDS, Math.max(DEFAULT_SECONDS, lifetime ?? DEFAULT_SECONDS));
}

function ipOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
