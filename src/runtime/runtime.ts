import type { Socket } from "node:net";

/** What crosses the border to a C function: whole numbers all, so that one adapter serves both runtimes. */
export type ForeignType = "i32" | "u32" | "usize" | "pointer";

/** How a C function is called. An address is a plain number, 0 is NULL. */
export interface Signature {
  readonly parameters: readonly ForeignType[];
  readonly result: ForeignType;
}

/** The functions of a library, by name. */
export type Library<Name extends string> = { readonly [name in Name]: (...values: number[]) => number };

/** A connected TCP stream that system calls have made. */
export interface RawStream {
  /** @returns how many octets were taken: if not all, `drain` tells when there is room for the rest */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Sends no more; it may still be sent to. */
  shutdown(): void;
  /** Closes it, after what was written. */
  close(): void;
  /** Cuts it off. */
  destroy(): void;
}

/** What a stream tells. */
export interface RawStreamHandler {
  /** The octets are the receiver's own. */
  data(bytes: Uint8Array): void;
  drain(): void;
  /** The other end sends no more. */
  ended(): void;
  /** It is over, whoever ended it; once. */
  closed(): void;
}

/** Streams by their descriptors. */
export interface RawStreams {
  /** Takes over a connected descriptor; paused until it is resumed. */
  adopt(descriptor: number, handler: RawStreamHandler): Promise<RawStream>;
  /** The descriptor of a socket that was accepted, which stays its own. */
  descriptorOf(socket: Socket): number | undefined;
}

/**
 * The collector of garbage, which can be asked. It counts the memory that threads share as its own, and so lets tens of
 * megabytes of small garbage pile up before it looks by itself.
 */
export interface Collector {
  /** Collects what was made and thrown away lately: some 0.1 ms. */
  collectYoung(): void;
  /** Collects all there is: some milliseconds, more with much that lives. */
  collectAll(): void;
}

/** What a TypeScript runtime offers for native code: all that differs between Bun and Deno. */
export interface Runtime extends Collector {
  readonly name: "bun" | "deno";
  /** Whether `node:dgram` reads from a descriptor that was opened elsewhere (`bind({ fd })`). */
  readonly adoptsDatagramSockets: boolean;
  /** `undefined` where descriptors of streams can be neither had nor taken over. */
  readonly streams: RawStreams | undefined;
  /**
   * Loads the first library of several names that is there.
   *
   * @throws {Error} if there is none, if it lacks a function, or if native code is forbidden here
   */
  openLibrary<Name extends string>(names: readonly string[], signatures: Readonly<Record<Name, Signature>>): Library<Name>;
  /** Native memory as an array. It is not freed with the array, and must not be unmapped before it is forgotten. */
  viewOf(address: number, bytes: number): Uint8Array;
  /** A reader of one native `int`: errno, read after each failing call. */
  int32At(address: number): () => number;
}

/**
 * The runtime this process runs on.
 *
 * @throws {Error} on any other than Bun and Deno
 */
export async function openRuntime(): Promise<Runtime> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunRuntime;
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoRuntime;
  throw new Error("Neither Bun nor Deno: this runtime cannot call native code");
}

/**
 * Opens the first of several names.
 *
 * @throws {AggregateError} with the reason for each name if none opens
 */
export function openFirst<T>(names: readonly string[], open: (name: string) => T): T {
  const reasons: unknown[] = [];
  for (const name of names) {
    try {
      return open(name);
    } catch (reason) {
      reasons.push(reason);
    }
  }
  throw new AggregateError(reasons, `None of ${names.join(", ")} can be loaded: ${reasons.map(String).join("; ")}`);
}
