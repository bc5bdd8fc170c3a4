import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { encodeRequest } from "../../src/client/encode-request.ts";
import { type LineOptions, openLine } from "../../src/client/line.ts";
import { longTermKey } from "../../src/stun/integrity.ts";
import { Message } from "../../src/stun/message.ts";

/**
 * Nonces as they come, and are used: the one of a 401; the one of the 438 that another five-tuple gets for it, with
 * which that one is let in.
 */
export async function heardNonces(
  options: LineOptions,
  { username, credential }: { readonly username: string; readonly credential: string },
): Promise<readonly Uint8Array[]> {
  const [first, second] = [await openDialogue(options), await openDialogue(options)];
  const challenge = await first.ask(encodeRequest({ kind: "challenge" }, randomBytes(12), undefined));
  const { realm, nonce } = challenge;
  assert.ok(realm !== undefined && nonce !== undefined, "a 401 has both");
  const key = longTermKey(username, realm, credential);
  const allocateWith = (nonceOfNow: Uint8Array): Promise<Message> =>
    second.ask(encodeRequest({ kind: "allocate" }, randomBytes(12), { username, realm, nonce: nonceOfNow, key }));
  const stale = await allocateWith(nonce);
  assert.equal(stale.errorCode?.code, 438);
  assert.ok(stale.nonce !== undefined);
  assert.equal((await allocateWith(stale.nonce)).errorCode, undefined, "the nonce of the 438 is good");
  first.close();
  second.close();
  return [nonce, stale.nonce];
}

interface Dialogue {
  ask(request: Uint8Array): Promise<Message>;
  close(): void;
}

async function openDialogue(options: LineOptions): Promise<Dialogue> {
  let answered = Promise.withResolvers<Message>();
  const line = await openLine(options, {
    frame(bytes) {
      const message = Message.decode(bytes.slice());
      if (message !== undefined) answered.resolve(message);
    },
    lost: (reason) => answered.reject(new Error(reason)),
  });
  return {
    ask(request) {
      answered = Promise.withResolvers();
      line.send(request);
      return answered.promise;
    },
    close: () => line.close(),
  };
}
