import type { Staging } from "../plane.ts";
import type { Arena } from "./arena.ts";

/** A piece of a plane's arena that is filled from its beginning in each turn. */
export class ArenaStaging implements Staging {
  readonly bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #next: number;

  /** @throws {AssertionError} if the arena has no room for so many octets */
  constructor(arena: Arena, bytes: number) {
    this.bytes = arena.bytes;
    this.#start = arena.take(bytes, 64);
    this.#end = this.#start + bytes;
    this.#next = this.#start;
  }

  put(octets: Uint8Array): number {
    const at = this.#next;
    if (at + octets.length > this.#end) return -1;
    this.bytes.set(octets, at);
    this.#next = at + octets.length;
    return at;
  }

  /** The turn is flushed: all of it is free. */
  clear(): void {
    this.#next = this.#start;
  }
}
