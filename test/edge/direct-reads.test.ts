import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readDirectly } from "../../src/edge/direct-reads.ts";
import { socketPair, until } from "./support.ts";

describe("direct reads", () => {
  test("what is taken causes no event, what is not comes by one, and so does the end", async () => {
    const { ours, client } = await socketPair();
    const heard = { taken: "", told: "", ended: false };
    let takes = true;
    ours.on("data", (bytes) => {
      heard.told += bytes;
    });
    ours.on("end", () => {
      heard.ended = true;
    });
    readDirectly(ours, (bytes) => {
      if (takes) heard.taken += new TextDecoder().decode(bytes);
      return takes;
    });
    client.socket.write("for us");
    await until(() => heard.taken + heard.told === "for us", "the first read");
    takes = false;
    client.socket.write("for the stream");
    await until(() => heard.told === "for the stream", "the second read");
    client.socket.end();
    await until(() => heard.ended, "the end");
    assert.deepEqual(heard, { taken: "for us", told: "for the stream", ended: true });
  });
});
