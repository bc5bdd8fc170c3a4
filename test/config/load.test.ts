import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { KEYS } from "../../src/config/keys.ts";
import { isConfigured, loadSettings } from "../../src/config/load.ts";
import { formatSource } from "../../src/config/source.ts";
import { formatAddress } from "../../src/net/address.ts";
import { formatCidr } from "../../src/net/cidr.ts";
import { formatIp } from "../../src/net/ip.ts";
import { complaintsOf, FILE, fakeFiles, load } from "./fake-files.ts";

describe("what is in force without a file", () => {
  const { settings, file, warnings } = loadSettings({ flag: undefined, env: {}, cwd: "/srv/gateway", files: fakeFiles({}) });

  test("listeners are the contract's", () => {
    const texts = Object.fromEntries(
      Object.entries(settings.listen).map(([kind, entries]) => [
        kind,
        entries.map((e) => ("port" in e ? formatAddress(e) : formatCidr(e))),
      ]),
    );
    assert.deepEqual(texts, {
      udp: ["[::]:3478"],
      tcp: ["[::]:3478"],
      tls: ["[::]:443"],
      http: ["127.0.0.1:8080"],
      metrics: ["127.0.0.1:9641"],
      proxy_protocol: [],
      trusted_proxies: [],
    });
  });

  test("everything else is too", () => {
    assert.deepEqual(settings.relay, {
      enabled: true,
      address: [],
      external_address: [],
      ports: { first: 49_152, last: 65_535 },
      workers: 0,
      tcp: false,
      mobility: true,
      peers: { allow: [], deny: [], only: [], min_port: 1 },
    });
    assert.deepEqual(settings.credentials, {
      default_ttl: 3600,
      max_ttl: 172_800,
      ice_servers_ttl: 86_400,
      on_expiry: "finish",
      max_allocation_age: 86_400,
    });
    assert.deepEqual(settings.limits, {
      allocations_per_credential: 10_000,
      allocations_per_label: 100,
      allocations_per_project: 0,
      bandwidth_per_allocation: 0,
      peers_per_allocation: 256,
      mints_per_key_per_minute: 6000,
      unauthenticated_replies_per_second: 400,
    });
    assert.deepEqual(settings.advertise, { udp: 0, tcp: 0, tls: 0 });
    assert.deepEqual(settings.shutdown, { deadline: 30, upgrade_deadline: 86_400 });
    assert.deepEqual([settings.region, settings.hostname, settings.log.level], ["us-east", undefined, "info"]);
    assert.deepEqual([settings.tls, settings.auth], [{ passthrough: {} }, {}]);
    assert.equal(settings.database.url.revealText(), "sqlite:icebreaker.db");
    assert.deepEqual([file, warnings], [undefined, []]);
  });
});

describe("finding the file", () => {
  const region = (name: string) => `region = "${name}"`;
  const all = {
    "/srv/gateway/flag.toml": region("flag"),
    "/srv/gateway/env.toml": region("env"),
    "/etc/icebreaker/icebreaker.toml": region("system"),
    [FILE]: region("local"),
  };
  const regionOf = (texts: Record<string, string>, flag?: string, env?: string): string =>
    loadSettings({ flag, env: { ICEBREAKER_CONFIG: env }, cwd: "/srv/gateway", files: fakeFiles(texts) }).settings.region;

  test("--config, then $ICEBREAKER_CONFIG, then /etc, then the working directory", () => {
    const { [FILE]: local, ...withoutLocal } = all;
    assert.equal(regionOf(all, "flag.toml", "env.toml"), "flag");
    assert.equal(regionOf(all, undefined, "/srv/gateway/env.toml"), "env");
    assert.equal(regionOf(all), "system");
    assert.equal(regionOf(withoutLocal), "system");
    assert.equal(regionOf({ [FILE]: local }), "local");
  });

  test("a named file that is not there is no reason to take another", () => {
    assert.deepEqual(
      complaintsOf(() => regionOf(all, "/gone.toml")),
      ["--config names /gone.toml, which is not there: correct the path, or leave it out"],
    );
    assert.deepEqual(
      complaintsOf(() => regionOf(all, undefined, "gone.toml")),
      ["ICEBREAKER_CONFIG names /srv/gateway/gone.toml, which is not there: correct the path, or leave it out"],
    );
  });

  test("one that may not be read says whose it is and who we are", () => {
    const loading = () =>
      loadSettings({ flag: "a.toml", env: {}, cwd: "/srv/gateway", files: fakeFiles({ "/srv/gateway/a.toml": undefined }) });
    assert.deepEqual(complaintsOf(loading), [
      "/srv/gateway/a.toml cannot be read (EACCES): it belongs to root, its mode is 0600, and we are icebreaker",
    ]);
  });
});

describe("the environment", () => {
  test("overrides every key but tables, each by its own variable", () => {
    const variables = KEYS.flatMap(({ variable }) => variable ?? []);
    assert.equal(new Set(variables).size, variables.length);
    assert.deepEqual(
      KEYS.filter(({ variable }) => variable === undefined).map(({ name }) => name),
      ["tls.passthrough"],
    );
  });

  test("is read as what each setting is", () => {
    const { settings, sources } = load(`[relay]\nworkers = 1\nports = "1-2"`, {
      ICEBREAKER_LISTEN_UDP: "0.0.0.0:3478, [::1]:3478",
      ICEBREAKER_LISTEN_TCP: "",
      ICEBREAKER_RELAY_PEERS_ALLOW: "10.0.0.0/8",
      ICEBREAKER_RELAY_ENABLED: "false",
      ICEBREAKER_RELAY_WORKERS: "7",
      ICEBREAKER_AUTH_JWT_ISSUER: "https://id.example.com",
      ICEBREAKER_AUTH_JWT_JWKS: "https://id.example.com/jwks",
      ICEBREAKER_CREDENTIALS_ON_EXPIRY: "cut",
    });
    assert.deepEqual(settings.listen.udp.map(formatAddress), ["0.0.0.0:3478", "[::1]:3478"]);
    assert.deepEqual(settings.listen.tcp, []);
    assert.deepEqual(settings.relay.peers.allow.map(formatCidr), ["10.0.0.0/8"]);
    assert.deepEqual([settings.relay.enabled, settings.relay.workers, settings.credentials.on_expiry], [false, 7, "cut"]);
    assert.equal(settings.auth.jwt?.issuer, "https://id.example.com");
    const sourceOf = (name: string) => formatSource(sources.get(name) ?? { kind: "default" });
    assert.equal(sourceOf("relay.workers"), "ICEBREAKER_RELAY_WORKERS");
    assert.equal(sourceOf("relay.ports"), `${FILE}:3`);
    assert.equal(sourceOf("relay.tcp"), "default");
  });

  test("names the nearest for a variable that is none, and lets Kubernetes' own be", () => {
    const { warnings } = load("", {
      ICEBREAKER_LISTEN_UPD: "x",
      ICEBREAKER_PORT: "tcp://10.0.0.1:443",
      ICEBREAKER_PORT_443_TCP: "tcp://10.0.0.1:443",
      ICEBREAKER_SERVICE_HOST: "10.0.0.1",
      ICEBREAKER_CONFIG: "",
      HOME: "/root",
    });
    assert.deepEqual(warnings, ["ICEBREAKER_LISTEN_UPD is no setting and is ignored: did you mean ICEBREAKER_LISTEN_UDP?"]);
  });

  test("complains by the variable's name", () => {
    assert.deepEqual(
      complaintsOf(() => load("", { ICEBREAKER_RELAY_WORKERS: "many", ICEBREAKER_RELAY_TCP: "1" })),
      [
        'ICEBREAKER_RELAY_WORKERS: relay.workers is "many", not a whole number from 0 to 1024',
        'ICEBREAKER_RELAY_TCP: relay.tcp is "1", not true or false',
      ],
    );
  });
});

describe("the state directory", () => {
  const stateDir = (toml: string, env = {}, more = {}) => load(toml, env, more).settings.state_dir;

  test("is what is set, else $STATE_DIRECTORY, else /var/lib/icebreaker if it exists, else ./state", () => {
    const system = { "/var/lib/icebreaker": "" };
    assert.equal(stateDir('state_dir = "/a"', { STATE_DIRECTORY: "/b" }, system), "/a");
    assert.equal(stateDir("", { STATE_DIRECTORY: "/b" }, system), "/b");
    assert.equal(stateDir("", {}, system), "/var/lib/icebreaker");
    assert.equal(stateDir(""), "/srv/gateway/state");
  });
});

test("a value that was written, even to its default, is configured", () => {
  const loaded = load('listen.tls = ["[::]:443"]');
  assert.equal(isConfigured(loaded, "listen.tls"), true);
  assert.equal(isConfigured(loaded, "listen.udp"), false);
});

test("features yet to come are named in one warning, where they are set away from the default", () => {
  const toml = `[shutdown]\nupgrade_deadline = 100\n[tls]\npassthrough = { "a.example" = "proxy+[::1]:9443" }`;
  const { warnings, settings } = load(toml);
  assert.deepEqual(warnings, ["No effect yet: shutdown.upgrade_deadline (this feature is still to come)"]);
  assert.deepEqual(settings.tls.passthrough, { "a.example": { host: "::1", port: 9443, proxyHeader: true } });
});

test("an empty table is there: [tls.acme] takes its defaults", () => {
  assert.deepEqual(load('hostname = "relay.example.com"\n[tls.acme]').settings.tls.acme, {
    directory: "https://acme-v02.api.letsencrypt.org/directory",
  });
});

test("addresses of relays are addresses", () => {
  const { relay } = load('[relay]\naddress = ["10.0.0.2", "fd00::2"]\nexternal_address = ["192.0.2.1", "2001:db8::1"]').settings;
  assert.deepEqual(
    [relay.address.map(formatIp), relay.external_address.map(formatIp)],
    [
      ["10.0.0.2", "fd00::2"],
      ["192.0.2.1", "2001:db8::1"],
    ],
  );
});
