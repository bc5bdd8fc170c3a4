import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { guarded, peek } from "../../src/edge/peek.ts";
import { concat } from "../../src/lib/bytes.ts";
import { socketPair, until } from "./support.ts";

const text = new TextDecoder();

describe("peek", () => {
  test("one after the other see the same octets, and whoever comes last finds all of them", async () => {
    const { ours, client } = await socketPair();
    let head: Uint8Array = new Uint8Array(0);
    const four = (segment: Uint8Array): "four" | undefined => {
      head = concat(head, segment);
      return head.length >= 4 ? "four" : undefined;
    };
    const putBack = (): void => {
      ours.unshift(head);
      head = new Uint8Array(0);
    };
    let received = "";
    peek(ours, four, () => {
      putBack();
      peek(ours, four, () => {
        putBack();
        ours.on("data", (octets: Uint8Array) => {
          received += text.decode(octets);
        });
        ours.resume();
      });
    });
    await client.trickle(new TextEncoder().encode("abcdefgh"));
    await until(() => received === "abcdefgh", "all of it");
    client.socket.destroy();
    ours.destroy();
  });

  test("a stream that ends before the verdict is destroyed", async () => {
    const { ours, client } = await socketPair();
    peek(
      ours,
      () => undefined,
      () => assert.fail("there is no verdict"),
    );
    client.socket.end("a");
    await until(() => ours.destroyed, "the end of it");
  });
});

describe("guarded", () => {
  test("throws on what was thrown, and leaves no open socket", async () => {
    const { ours, client } = await socketPair();
    const broken = (): void => guarded(ours, () => assert.fail("a broken invariant"));
    assert.throws(broken, /a broken invariant/);
    assert.equal(ours.destroyed, true);
    await until(() => client.closed, "the close");
  });
});
