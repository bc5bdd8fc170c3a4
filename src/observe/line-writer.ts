import { writeSync } from "node:fs";

/** Writes octets to where lines go, and returns how many were taken. @throws whatever the system says against it */
export type WriteOctets = (octets: Uint8Array) => number;

const STDERR = 2;

/**
 * Writes lines at once, and outlives a full disk or a reader that is gone: what cannot be written is lost, never kept,
 * and how much that was is the next thing that is written.
 */
export class LineWriter {
  readonly #write: WriteOctets;
  readonly #lostLine: (lost: number) => string;
  #lost = 0;
  /** The end of a line of which the beginning is written. */
  #rest: Uint8Array = new Uint8Array(0);

  /** @param lostLine what is said, newline included, when so many lines could not be written */
  constructor(lostLine: (lost: number) => string, write: WriteOctets = (octets) => writeSync(STDERR, octets)) {
    this.#lostLine = lostLine;
    this.#write = write;
  }

  /** @param line one line with its newline */
  write(line: string): void {
    try {
      this.#finish();
      if (this.#lost > 0) this.#put(this.#lostLine(this.#lost));
      this.#lost = 0;
      this.#put(line);
    } catch {
      this.#lost++; // said as soon as there is room; until then nobody could read it
    }
  }

  #put(text: string): void {
    const octets = new TextEncoder().encode(text);
    this.#rest = octets.subarray(this.#write(octets));
    this.#finish();
  }

  #finish(): void {
    while (this.#rest.length > 0) this.#rest = this.#rest.subarray(this.#write(this.#rest));
  }
}
