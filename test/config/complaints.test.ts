import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complaintsOf, FILE, load } from "./fake-files.ts";

/** A line of a file, and what is said of it behind the file's name. */
const wrong: readonly (readonly [toml: string, complaint: string])[] = [
  // Keys
  ['hostnam = "a"', "1:1: hostnam is no setting: did you mean hostname?"],
  ["[listen]\nupd = []", "2:1: listen.upd is no setting: did you mean listen.udp?"],
  ["max_ttl = 5", "1:1: max_ttl is no setting: did you mean credentials.max_ttl?"],
  ["[relay]\n  peers.alow = []", "2:3: relay.peers.alow is no setting: did you mean relay.peers.allow?"],
  ['[relays]\nx = "a"', "1:1: relays is no setting: did you mean relay?"],
  ['region_file = "a"', "1:1: region_file is no setting: take it out"],
  ["zzzzzzzzzzzzzzzzzz = 1", "1:1: zzzzzzzzzzzzzzzzzz is no setting: take it out"],
  ['listen = "a"', "1:1: listen is a table of settings, not a value: write [listen]"],
  // Syntax
  ["region = ", "1:10: this is not TOML (invalid value)"],
  // Types
  ["region = 5", "1:1: region is 5, not a text: put it in quotes"],
  ['region = ""', '1:1: region is "", which is not a slug: small letters, digits and dashes, such as "eu-central"'],
  ['[listen]\nudp = "[::]:1"', '2:1: listen.udp is "[::]:1", not a list: put it in square brackets'],
  ['[relay]\nenabled = "yes"', '2:1: relay.enabled is "yes", not true or false'],
  ["[relay]\nworkers = 1.5", "2:1: relay.workers is 1.5, not a whole number from 0 to 1024"],
  ["[relay.peers]\nmin_port = 65536", "2:1: relay.peers.min_port is 65536, not a whole number from 1 to 65535"],
  ["[log]\nlevel = 2024-01-01", "2:1: log.level is a date, not a text: put it in quotes"],
  [
    '[log]\nlevel = "warning"',
    '2:1: log.level is "warning", not one of fatal, error, warn, info, debug, trace, silent: did you mean "warn"?',
  ],
  ['[tls]\npassthrough = "a"', '2:1: tls.passthrough is "a", not a table: write { "name" = "value" }'],
  // Forms
  [
    '[listen]\nudp = ["3478"]',
    '2:1: listen.udp has "3478", which has no address: write "[::]:3478" for every address, or "127.0.0.1:3478" for this machine',
  ],
  [
    '[listen]\ntcp = ["localhost:1"]',
    '2:1: listen.tcp has "localhost:1", which does not begin with an IP address: names are not looked up here',
  ],
  [
    '[listen]\ntrusted_proxies = ["10.0.0.1/8"]',
    '2:1: listen.trusted_proxies has "10.0.0.1/8", which has bits set behind its prefix of 8',
  ],
  [
    'hostname = "https://a.example"',
    '1:1: hostname is "https://a.example", which is not a host name or an IP address: leave out scheme, brackets and port',
  ],
  ['[relay]\nports = "20-10"', '2:1: relay.ports is "20-10", which ends before it begins: write "10-20"'],
  ['[relay]\nports = "49152"', '2:1: relay.ports is "49152", which is not a range of ports such as "49152-65535"'],
  ['[relay]\naddress = ["::"]', '2:1: relay.address has "::", which is every address: name the one that peers shall see'],
  [
    '[stun]\nurls = ["turn:a.example"]',
    '2:1: stun.urls has "turn:a.example", which is not a STUN URL such as "stun:stun.example.com:3478"',
  ],
  [
    '[http]\ncors_origins = ["https://a.example/"]',
    '2:1: http.cors_origins has "https://a.example/", which is not an origin: scheme, host and port alone, such as "https://app.example.com", or "*"',
  ],
  [
    '[database]\nurl = "mysql://u:hunter2@h/d"',
    '2:1: database.url is not "sqlite:" with a path, or a URL that begins with postgres://',
  ],
  ["[auth.jwt]\nsecret = 5", "2:1: auth.jwt.secret is not a text: put it in quotes"],
  // Across keys
  [
    '[relay]\naddress = ["10.0.0.1"]\nexternal_address = ["192.0.2.1", "192.0.2.2"]',
    "3:1: relay.external_address has 2 addresses for the 1 of relay.address: give one for each, in the same order",
  ],
  [
    '[relay]\naddress = ["10.0.0.1"]\nexternal_address = ["2001:db8::1"]',
    "3:1: relay.external_address pairs 2001:db8::1 with 10.0.0.1 of relay.address: pair IPv4 with IPv4 and IPv6 with IPv6",
  ],
  [
    "[credentials]\nmax_ttl = 600\ndefault_ttl = 601",
    "3:1: credentials.default_ttl is 601, more than credentials.max_ttl, which is 600: lower the one or raise the other",
  ],
  ['[listen]\nudp = ["[::]:1", "[::]:1"]', "2:1: listen.udp has [::]:1 twice: take one out"],
  ['[listen]\nhttp = ["[::]:443"]', "2:1: listen.http has [::]:443, and so has listen.tls: give each its own port"],
  ['[listen]\nudp = ["[::]:1", "127.0.0.1:1"]', "2:1: listen.udp has 127.0.0.1:1, which meets [::]:1: give each its own port"],
  [
    '[listen]\ntcp = ["0.0.0.0:2"]\ntls = ["192.0.2.1:2"]',
    "3:1: listen.tls has 192.0.2.1:2, which meets 0.0.0.0:2 of listen.tcp: give each its own port",
  ],
  [
    '[listen]\nmetrics = ["127.0.0.1:8080"]',
    "2:1: listen.metrics has 127.0.0.1:8080, and so has listen.http: give each its own port",
  ],
  ['[relay]\naddress = ["10.0.0.1", "10.0.0.1"]', "2:1: relay.address has 10.0.0.1 twice: take one out"],
  [
    '[relay]\nexternal_address = ["192.0.2.1", "192.0.2.2"]',
    "2:1: relay.external_address has two addresses of one family, and relay.address is empty: name their local ones in relay.address",
  ],
  ['[auth.jwt]\nsecret = "short"', "2:1: auth.jwt.secret is too short to resist guessing: take 32 random octets or more"],
  [
    '[auth.jwt]\njwks = "https://a.example/jwks"\nalgorithms = ["HS256"]',
    '3:1: auth.jwt.algorithms has HS256, which does not fit auth.jwt.jwks: "HS256" goes with auth.jwt.secret alone',
  ],
];

describe("complaints name place, key, problem and remedy", () => {
  for (const [toml, complaint] of wrong) {
    test(complaint, () =>
      assert.deepEqual(
        complaintsOf(() => load(toml)),
        [`${FILE}:${complaint}`],
      ),
    );
  }

  test("where a key is missing, there is no place to name", () => {
    assert.deepEqual(
      complaintsOf(() => load('[tls]\ncertificate = "/c.pem"')),
      ["tls.key is missing: name the private key of tls.certificate"],
    );
    assert.deepEqual(
      complaintsOf(() => load('[auth.jwt]\nissuer = "a"')),
      ["auth.jwt has no key to check signatures with: set one of jwks, secret and public_key"],
    );
  });

  test("certificates come from one place, and need a name", () => {
    assert.deepEqual(
      complaintsOf(() => load('[tls]\ncertificate = "/c.pem"\nkey = "/k.pem"\n[tls.acme]')),
      [
        "tls.acme and tls.certificate are both set: keep one of the two",
        "hostname is missing: tls.acme needs the name that certificates are for",
      ],
    );
  });

  test("JWTs are checked in one way", () => {
    const both = '[auth.jwt]\njwks = "https://a.example/jwks"\npublic_key = "/k.pem"';
    assert.deepEqual(
      complaintsOf(() => load(both)),
      ["auth.jwt has jwks and public_key: set one of jwks, secret and public_key"],
    );
  });

  test("all of them at once, across tables too", () => {
    const toml = '[relay]\nworkers = -1\ntypo = 1\n[credentials]\ndefault_ttl = 10\nmax_ttl = 5\n[tls]\nkey = "/k.pem"';
    assert.deepEqual(complaintsOf(() => load(toml, { ICEBREAKER_LOG_LEVEL: "loud" })).length, 5);
  });

  test("addresses and families beside each other do not meet, nor do UDP and TCP", () => {
    const toml = '[listen]\nudp = ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"]\ntcp = ["0.0.0.0:1"]\ntls = ["[2001:db8::1]:1"]';
    assert.deepEqual(
      complaintsOf(() => load(toml)),
      [],
    );
  });

  test("no secret is repeated", () => {
    const text = complaintsOf(() => load('[auth.jwt]\nsecret = "hunter2"\n[database]\nurl = "x:hunter2"')).join();
    assert.equal(text.includes("hunter2"), false);
    assert.equal(
      complaintsOf(() => load('[auth.jwt]\nsecret = "hunter2'))
        .join()
        .includes("hunter2"),
      false,
    );
  });
});
