import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { iceServersAnswer, mintAnswer } from "../../src/credentials/ice-servers.ts";

const pair = { username: "1718200000:project_ab12", credential: "<ephemeral-credential>", ttl: 3600 };
const baton = { hostname: "relay.usebaton.io", udp: 3478, tcp: 3478, tls: 443, relay: true };
const poly = { ...baton, hostname: "turn.example.com" };

describe("mintAnswer", () => {
  test("is the page's answer, in its order of keys", () => {
    assert.equal(
      JSON.stringify(mintAnswer(pair, "eu-central", baton)),
      '{"username":"1718200000:project_ab12","credential":"<ephemeral-credential>","ttl":3600,"region":"eu-central",' +
        '"iceServers":[{"urls":["stun:relay.usebaton.io:3478","turn:relay.usebaton.io:3478?transport=udp",' +
        '"turn:relay.usebaton.io:3478?transport=tcp","turns:relay.usebaton.io:443?transport=tcp"],' +
        '"username":"1718200000:project_ab12","credential":"<ephemeral-credential>"}]}',
    );
  });
  test("has the URLs of the wanted transports alone, whatever their order and number", () => {
    const { iceServers } = mintAnswer(pair, "eu-central", baton, ["tls", "udp", "tls"]);
    assert.deepEqual(iceServers[0]?.urls, [
      "stun:relay.usebaton.io:3478",
      "turn:relay.usebaton.io:3478?transport=udp",
      "turns:relay.usebaton.io:443?transport=tcp",
    ]);
  });
  test("has no URL for a listener that is off, and stun: goes with UDP", () => {
    const { iceServers } = mintAnswer(pair, "eu-central", { hostname: "h", tls: 8443, relay: true });
    assert.deepEqual(iceServers, [
      { urls: ["turns:h:8443?transport=tcp"], username: pair.username, credential: pair.credential },
    ]);
  });
  test("without TURN keeps its fields, and the entry has STUN alone", () => {
    const answer = mintAnswer(pair, "eu-central", { ...baton, relay: false });
    assert.deepEqual(answer, { ...pair, region: "eu-central", iceServers: [{ urls: ["stun:relay.usebaton.io:3478"] }] });
  });
  test("has no entry without URLs", () => {
    assert.deepEqual(mintAnswer(pair, "eu-central", { hostname: "h", relay: true }).iceServers, []);
  });
  test("puts an IPv6 address in brackets", () => {
    const { iceServers } = mintAnswer(pair, "eu-central", { hostname: "2001:db8::1", udp: 3478, relay: true });
    assert.deepEqual(iceServers[0]?.urls, ["stun:[2001:db8::1]:3478", "turn:[2001:db8::1]:3478?transport=udp"]);
  });
});

describe("iceServersAnswer", () => {
  const username = "1748390400:webrtc-gateway";
  const credential = "base64-encoded-hmac";

  test("is the page's answer, with our own STUN beside the configured ones", () => {
    assert.equal(
      JSON.stringify(iceServersAnswer({ username, credential, ttl: 86_400 }, poly, ["stun:stun.l.google.com:19302"])),
      '{"iceServers":[{"urls":["stun:turn.example.com:3478","stun:stun.l.google.com:19302"]},' +
        '{"urls":["turn:turn.example.com:3478","turn:turn.example.com:3478?transport=tcp","turns:turn.example.com:443?transport=tcp"],' +
        '"username":"1748390400:webrtc-gateway","credential":"base64-encoded-hmac"}]}',
    );
  });
  test("without TURN is STUN alone", () => {
    assert.deepEqual(iceServersAnswer(pair, { ...poly, relay: false }, []), {
      iceServers: [{ urls: ["stun:turn.example.com:3478"] }],
    });
  });
  test("names a STUN server once", () => {
    const { iceServers } = iceServersAnswer(pair, { ...poly, relay: false }, ["stun:turn.example.com:3478"]);
    assert.deepEqual(iceServers[0]?.urls, ["stun:turn.example.com:3478"]);
  });
});
