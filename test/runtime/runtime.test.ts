import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { openFirst, openRuntime } from "../../src/runtime/runtime.ts";

const LIBC = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const runtime = await openRuntime();

describe("runtime", () => {
  test("calls C functions with numbers of each kind, and gets numbers", () => {
    const libc = runtime.openLibrary(LIBC, {
      getpid: { parameters: [], result: "i32" },
      abs: { parameters: ["i32"], result: "i32" },
      htonl: { parameters: ["u32"], result: "u32" },
      malloc: { parameters: ["usize"], result: "pointer" },
      memset: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
      strlen: { parameters: ["pointer"], result: "usize" },
      getenv: { parameters: ["pointer"], result: "pointer" },
      free: { parameters: ["pointer"], result: "i32" },
    });
    assert.equal(libc.getpid(), process.pid);
    assert.equal(libc.abs(-5), 5);
    assert.equal(libc.htonl(0x010203ff), 0xff030201);
    const address = libc.malloc(64);
    const view = runtime.viewOf(address, 64);
    assert.equal(libc.memset(address, 0x41, 63), address);
    view[63] = 0;
    assert.equal(libc.strlen(address), 63);
    view.fill(0, 5);
    assert.equal(libc.strlen(address), 5);
    assert.equal(libc.getenv(address), 0);
    assert.equal(runtime.int32At(address)(), 0x41414141);
    libc.free(address);
  });

  test("takes the first library that is there", () => {
    const libc = runtime.openLibrary(["libnowhere.so.9", ...LIBC], { getpid: { parameters: [], result: "i32" } });
    assert.equal(libc.getpid(), process.pid);
  });

  test("says why no library could be loaded", () => {
    const open = () => runtime.openLibrary(["libnowhere.so.9"], { getpid: { parameters: [], result: "i32" } });
    assert.throws(open, /None of libnowhere\.so\.9 can be loaded: .*libnowhere/);
    assert.throws(() => runtime.openLibrary(LIBC.slice(0, 1), { no_such_function: { parameters: [], result: "i32" } }));
  });

  test("openFirst gives what the first name opens", () => {
    const open = (name: string): string => {
      if (name === "a") throw new Error("not a");
      return name;
    };
    assert.equal(openFirst(["a", "b", "c"], open), "b");
    assert.throws(() => openFirst(["a"], open), AggregateError);
  });
});
