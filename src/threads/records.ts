import type { Records } from "../http/services.ts";
import type { FromThread } from "./mailbox.ts";

/** Records that main keeps: each request goes to it with a number, and its answer comes back with the same. */
export class MainRecords implements Records {
  readonly #tell: (message: FromThread) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<"written" | "waits">>();
  #last = 0;

  constructor(tell: (message: FromThread) => void) {
    this.#tell = tell;
  }

  revoke({
    username,
    expiresUnixMs,
  }: {
    readonly username: string;
    readonly expiresUnixMs: number;
  }): Promise<"written" | "waits"> {
    this.#last += 1;
    const waiting = Promise.withResolvers<"written" | "waits">();
    this.#waiting.set(this.#last, waiting);
    this.#tell({ kind: "revoke", number: this.#last, username, expiresUnixMs });
    return waiting.promise;
  }

  /** Main has answered. */
  answered(number: number, done: boolean): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.resolve(done ? "written" : "waits");
  }
}
