const hidden = "***";
const inspect = Symbol.for("nodejs.util.inspect.custom");

/** Octets that do not print: wherever one ends up, a log or an error shows three stars. */
export class Secret {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array | string) {
    this.#octets = typeof octets === "string" ? new TextEncoder().encode(octets) : octets;
  }

  /** The octets themselves, for the one place that needs them. */
  reveal(): Uint8Array {
    return this.#octets;
  }

  /** The same as UTF-8 text. */
  revealText(): string {
    return new TextDecoder().decode(this.#octets);
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect](): string {
    return hidden;
  }
}
