import { type ForeignType, type Library, openFirst, type Runtime, type Signature } from "./runtime.ts";

/** Addresses travel as numbers: Deno's own pointer type is an object that cannot be computed with. */
const TYPES: Readonly<Record<ForeignType, Deno.NativeResultType>> = { i32: "i32", u32: "u32", usize: "u64", pointer: "u64" };

/** Native code by `Deno.dlopen`; needs `--allow-ffi` without a scope. */
export const denoRuntime: Runtime = {
  name: "deno",
  adoptsDatagramSockets: false,
  streams: undefined,

  openLibrary<Name extends string>(names: readonly string[], signatures: Readonly<Record<Name, Signature>>): Library<Name> {
    const declared: Record<string, Deno.ForeignFunction> = {};
    for (const [name, { parameters, result }] of Object.entries<Signature>(signatures)) {
      declared[name] = { parameters: parameters.map((type) => TYPES[type] as Deno.NativeType), result: TYPES[result] };
    }
    const symbols = openFirst(names, (name) => Deno.dlopen(name, declared).symbols) as Record<string, unknown>;
    const functions: Record<string, unknown> = {};
    for (const [name, { result }] of Object.entries<Signature>(signatures)) {
      const call = symbols[name] as (...values: number[]) => number | bigint;
      functions[name] = TYPES[result] === "u64" ? (...values: number[]) => Number(call(...values)) : call;
    }
    return functions as Library<Name>;
  },

  viewOf(address, bytes) {
    return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointerTo(address), bytes));
  },

  // V8 does so by itself, after a few megabytes.
  collectYoung: () => {},
  collectAll: () => {},

  int32At(address) {
    const view = new Deno.UnsafePointerView(pointerTo(address));
    return () => view.getInt32();
  },
};

function pointerTo(address: number): Deno.PointerObject {
  const pointer = Deno.UnsafePointer.create(BigInt(address));
  if (pointer === null) throw new RangeError("NULL points nowhere");
  return pointer;
}
