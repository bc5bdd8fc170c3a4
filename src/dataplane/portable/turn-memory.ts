const CHUNK_BYTES = 256 * 1024;

/** Memory for the datagrams of one turn: taken piece by piece, free again all at once. */
export class TurnMemory {
  readonly #first = new Uint8Array(CHUNK_BYTES);
  /** Where the piece taken last lies. */
  bytes = this.#first;
  offset = 0;
  #used = 0;

  /** Copies a datagram in, with some octets free before it; `bytes` and `offset` then say where it is. */
  copy(datagram: Uint8Array, headroom: number): void {
    const needed = headroom + datagram.length;
    if (this.#used + needed > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(CHUNK_BYTES, needed));
      this.#used = 0;
    }
    this.offset = this.#used + headroom;
    this.bytes.set(datagram, this.offset);
    this.#used += needed;
  }

  /** Frees all pieces. */
  clear(): void {
    this.bytes = this.#first;
    this.#used = 0;
  }
}
