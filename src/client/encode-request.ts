import { unreachable } from "../lib/assert.ts";
import { ATTRIBUTE } from "../stun/attributes.ts";
import { CLASS, METHOD } from "../stun/header.ts";
import { MessageBuilder } from "../stun/message.ts";
import type { AllocateWishes, TurnRequest } from "./dialogue.ts";

/** The protocol number in REQUESTED-TRANSPORT (RFC 8656 §18.8). */
const UDP = 17;
const TCP = 6;

/** What a client proves itself with once it was challenged (RFC 8489 §9.2). */
export interface Proof {
  readonly username: string;
  readonly realm: string;
  readonly nonce: Uint8Array;
  readonly key: Uint8Array;
}

/** The octets of a request: signed with a proof, or bare. */
export function encodeRequest(request: TurnRequest, transactionId: Uint8Array, proof: Proof | undefined): Uint8Array {
  const method = request.kind === "challenge" ? METHOD.allocate : METHOD[request.kind];
  const message = new MessageBuilder(method, CLASS.request, transactionId);
  addWishes(message, request);
  if (proof === undefined) return message.build();
  message.add(ATTRIBUTE.username, proof.username).add(ATTRIBUTE.realm, proof.realm).add(ATTRIBUTE.nonce, proof.nonce);
  return message.sign(proof.key).build();
}

function addWishes(message: MessageBuilder, request: TurnRequest): void {
  switch (request.kind) {
    case "binding":
      return;
    case "challenge":
      message.add(ATTRIBUTE.requestedTransport, UDP);
      return;
    case "allocate":
      addAllocateWishes(message, request);
      return;
    case "refresh":
      if (request.lifetimeSeconds !== undefined) message.add(ATTRIBUTE.lifetime, request.lifetimeSeconds);
      if (request.family !== undefined) message.add(ATTRIBUTE.requestedAddressFamily, request.family);
      if (request.ticket !== undefined) message.add(ATTRIBUTE.mobilityTicket, request.ticket);
      return;
    case "createPermission":
      for (const peer of request.peers) message.add(ATTRIBUTE.xorPeerAddress, peer);
      return;
    case "channelBind":
      message.add(ATTRIBUTE.channelNumber, request.channel).add(ATTRIBUTE.xorPeerAddress, request.peer);
      return;
    case "connect":
      message.add(ATTRIBUTE.xorPeerAddress, request.peer);
      return;
    case "connectionBind":
      message.add(ATTRIBUTE.connectionId, request.connection);
      return;
    default:
      unreachable(request);
  }
}

function addAllocateWishes(message: MessageBuilder, wishes: AllocateWishes): void {
  message.add(ATTRIBUTE.requestedTransport, wishes.tcp === true ? TCP : UDP);
  if (wishes.lifetimeSeconds !== undefined) message.add(ATTRIBUTE.lifetime, wishes.lifetimeSeconds);
  if (wishes.family !== undefined) message.add(ATTRIBUTE.requestedAddressFamily, wishes.family);
  if (wishes.dual === true) message.add(ATTRIBUTE.additionalAddressFamily, 6);
  if (wishes.evenPort !== undefined) message.add(ATTRIBUTE.evenPort, wishes.evenPort);
  if (wishes.reservationToken !== undefined) message.add(ATTRIBUTE.reservationToken, wishes.reservationToken);
  if (wishes.dontFragment === true) message.add(ATTRIBUTE.dontFragment, true);
  if (wishes.mobile === true) message.add(ATTRIBUTE.mobilityTicket, new Uint8Array(0));
}
