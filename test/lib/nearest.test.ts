import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nearest } from "../../src/lib/nearest.ts";

describe("nearest", () => {
  const words = ["listen.udp", "listen.tcp", "relay.ports", "hostname", "log.level"];
  const typed = [
    { word: "listen.upd", meant: "listen.udp" },
    { word: "relay.port", meant: "relay.ports" },
    { word: "HOSTNAME", meant: "hostname" },
    { word: "hstname", meant: "hostname" },
    { word: "loglevel", meant: "log.level" },
    { word: "database.url", meant: undefined },
    { word: "", meant: undefined },
  ];
  for (const { word, meant } of typed) {
    test(`"${word}" means ${meant}`, () => assert.equal(nearest(word, words), meant));
  }
});
