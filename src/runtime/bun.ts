import { dlopen, FFIType, type FFITypeOrString, type Pointer, read, toArrayBuffer } from "bun:ffi";
import { edenGC, gcAndSweep } from "bun:jsc";
import { bunStreams } from "./bun-streams.ts";
import { type ForeignType, type Library, openFirst, type Runtime, type Signature } from "./runtime.ts";

const TYPES: Readonly<Record<ForeignType, FFITypeOrString>> = { i32: "i32", u32: "u32", usize: FFIType.u64_fast, pointer: "ptr" };

/** Native code by `bun:ffi`; needs the JIT, so neither `MemoryDenyWriteExecute` nor a small address space. */
export const bunRuntime: Runtime = {
  name: "bun",
  adoptsDatagramSockets: true,
  streams: bunStreams,

  openLibrary<Name extends string>(names: readonly string[], signatures: Readonly<Record<Name, Signature>>): Library<Name> {
    const declared: Record<string, { args: FFITypeOrString[]; returns: FFITypeOrString }> = {};
    for (const [name, { parameters, result }] of Object.entries<Signature>(signatures)) {
      declared[name] = { args: parameters.map((type) => TYPES[type]), returns: TYPES[result] };
    }
    const symbols = openFirst(names, (name) => dlopen(name, declared).symbols);
    const functions: Record<string, unknown> = { ...symbols };
    for (const [name, { result }] of Object.entries<Signature>(signatures)) {
      const call = symbols[name] as unknown as (...values: number[]) => number | null;
      if (result === "pointer") functions[name] = (...values: number[]) => call(...values) ?? 0;
    }
    return functions as Library<Name>;
  },

  viewOf: (address, bytes) => new Uint8Array(toArrayBuffer(address as Pointer, 0, bytes)),

  collectYoung: edenGC,
  // Swept at once: what sweeps later waits for an event loop, and a thread that never rests has none that turns.
  collectAll: gcAndSweep,

  int32At: (address) => () => read.i32(address as Pointer, 0),
};
