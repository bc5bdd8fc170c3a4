/** Where clients reach one gateway: what its ICE URLs are made of. */
export interface Endpoints {
  /** A name, or an IP address without brackets. */
  readonly hostname: string;
  /** The port in each URL; absent where that listener is off. `stun:` goes with UDP. */
  readonly udp?: number;
  readonly tcp?: number;
  readonly tls?: number;
  /** false: only STUN is offered. */
  readonly relay: boolean;
}
