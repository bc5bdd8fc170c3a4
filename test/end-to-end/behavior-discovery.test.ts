import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, test } from "node:test";
import { formatAddress, parseAddress } from "../../src/net/address.ts";
import { ATTRIBUTE } from "../../src/stun/attributes.ts";
import { CLASS, METHOD } from "../../src/stun/header.ts";
import { Message, MessageBuilder } from "../../src/stun/message.ts";
import { runToEnd } from "../support/child.ts";
import { freePorts } from "../support/free-ports.ts";
import { startGateway } from "../support/gateway.ts";
import { needs } from "../support/needs.ts";
import { shared, UNHURRIED } from "../support/shared.ts";

const ADDRESSES = ["127.0.0.1", "127.0.0.2"];

/** Two addresses with the same two ports each: a client can tell which kind of NAT it is behind (RFC 5780). */
describe("behavior discovery", () => {
  const discovering = shared(async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const udp = ADDRESSES.flatMap((address) => [`${address}:${first}`, `${address}:${second}`]);
    const gateway = await startGateway({ settings: { listen: { udp } } });
    return { first, second, stop: () => gateway.stop() };
  });

  test("each of the four answers from each of the four, as CHANGE-REQUEST asks", UNHURRIED, async () => {
    const { first, second } = await discovering();
    for (const ip of ADDRESSES) {
      for (const port of [first, second]) {
        for (const change of [undefined, { ip: false, port: true }, { ip: true, port: false }, { ip: true, port: true }]) {
          const { from, message } = await ask(ip, port, change);
          const [otherIp] = ADDRESSES.filter((address) => address !== ip);
          const otherPort = port === first ? second : first;
          const expected = `${change?.ip ? otherIp : ip}:${change?.port ? otherPort : port}`;
          assert.equal(from, expected);
          assert.deepEqual(message.responseOrigin, parseAddress(expected));
          assert.deepEqual(message.otherAddress, parseAddress(`${otherIp}:${otherPort}`));
        }
      }
    }
  });

  test("turnutils_natdiscovery finds no NAT", { ...UNHURRIED, skip: needs("turnutils_natdiscovery") }, async () => {
    const { first } = await discovering();
    const { stdout, stderr } = await runToEnd("turnutils_natdiscovery", ["-m", "-f", "-p", `${first}`, "127.0.0.1"]);
    assert.match(stdout, /NAT with Endpoint Independent Mapping|No NAT detected/i, stdout + stderr);
    assert.match(stdout, /NAT with Endpoint Independent Filtering|Endpoint Independent Filtering/i, stdout + stderr);
  });
});

/** One Binding request from a socket that takes answers from anywhere. */
async function ask(
  ip: string,
  port: number,
  change: { readonly ip: boolean; readonly port: boolean } | undefined,
): Promise<{ readonly from: string; readonly message: Message }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const builder = new MessageBuilder(METHOD.binding, CLASS.request, crypto.getRandomValues(new Uint8Array(12)));
  if (change !== undefined) builder.add(ATTRIBUTE.changeRequest, change);
  socket.send(builder.build(), port, ip);
  const [bytes, { address, port: source }] = await once(socket, "message", { signal: AbortSignal.timeout(5000) });
  const mapped = formatAddress({ ...parseAddress(`127.0.0.1:${socket.address().port}`) });
  socket.close();
  const message = Message.decode(new Uint8Array(bytes));
  assert.ok(message?.class === CLASS.success && message.xorMappedAddress);
  assert.equal(formatAddress(message.xorMappedAddress), mapped);
  return { from: `${address}:${source}`, message };
}
