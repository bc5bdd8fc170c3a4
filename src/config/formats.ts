import { type SchemaOptions, Type } from "@sinclair/typebox";
import { Secret } from "../lib/secret.ts";
import { parseAddress, type TransportAddress } from "../net/address.ts";
import { parseCidr } from "../net/cidr.ts";
import { isIp, parseIp } from "../net/ip.ts";

/** The first and the last port of a range, both within it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A neighbour that TLS for one name goes to untouched. */
export interface PassthroughTarget {
  readonly host: string;
  readonly port: number;
  /** Whether the connection begins with a PROXY v2 header. */
  readonly proxyHeader: boolean;
}

const name = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const slug = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An address and port to listen on. `[::]` is dual stack; port 0 lets the system choose. */
export const ListenText = () => parsed("address with a port", listenAddress);
/** A range of addresses, or a single one. */
export const CidrText = () => parsed("CIDR", parseCidr);
/** An IP address of a network interface: not the wildcard. */
export const IpText = () => parsed("IP address", interfaceIp);
/** Two ports with a dash between them. */
export const PortRangeText = (options: SchemaOptions) => parsed("port range", portRange, options);
/** A DNS name or an IP address, without brackets, scheme or port. */
export const HostnameText = (options: SchemaOptions) => parsed("host name", hostname, options);
/** A region's slug. */
export const SlugText = (options: SchemaOptions) => parsed("slug", regionSlug, options);
/** `stun:host` or `stun:host:port`; `stuns:` too (RFC 7064). */
export const StunUrlText = () => parsed("STUN URL", stunUrl);
/** The origin of a web page, or `*`. */
export const OriginText = () => parsed("origin", origin);
/** An absolute `https:` URL, or `http:` on a trusted network. */
export const WebUrlText = (options: SchemaOptions) => parsed("URL", webUrl, options);
/** `host:port`, with `proxy+` before it for a PROXY v2 header. */
export const PassthroughText = () => parsed("host and port", passthroughTarget);
/** Where the database is: it may hold a password, so it is a {@link Secret}. */
export const DatabaseUrlText = (options: SchemaOptions) => parsed("database URL", databaseUrl, { ...options, secret: true });
/** A text that never prints. */
export const SecretText = (options: SchemaOptions) =>
  parsed("secret", (text) => new Secret(notEmpty(text)), { ...options, secret: true });
/** A path, relative to the working directory. */
export const PathText = (options: SchemaOptions) => parsed("path", notEmpty, options);
/** Any text but an empty one. */
export const Text = (options: SchemaOptions) => parsed("text", notEmpty, options);

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words, options: SchemaOptions = {}) {
  return Type.Unsafe<Words[number]>(Type.String({ words, ...options }));
}

/** A number of seconds. */
export function Seconds(options: SchemaOptions & { minimum?: number; maximum?: number }) {
  return Type.Integer({ minimum: 0, maximum: 2 ** 31, unit: "seconds", ...options });
}

/** A text with a form: read once, where it enters, and a value after that. */
function parsed<T>(form: string, parse: (text: string) => T, options: SchemaOptions = {}) {
  return Type.Transform(Type.String({ form, ...options }))
    .Decode(parse)
    .Encode(neverWritten);
}

function neverWritten(): never {
  throw new Error("Broken invariant: settings are read, never written");
}

function listenAddress(text: string): TransportAddress {
  if (/^:?\d+$/.test(text)) {
    const port = text.replace(":", "");
    throw new SyntaxError(
      `"${text}" has no address: write "[::]:${port}" for every address, or "127.0.0.1:${port}" for this machine`,
    );
  }
  const [, bracketed, plain = ""] = /^(?:\[(.*)\]|(.*)):\d+$/.exec(text) ?? [];
  if (plain !== "" && !isIp(plain))
    throw new SyntaxError(`"${text}" does not begin with an IP address: names are not looked up here`);
  if (bracketed !== undefined && !isIp(bracketed)) throw new SyntaxError(`"${text}" has no IP address in its brackets`);
  return parseAddress(text);
}

function interfaceIp(text: string): ReturnType<typeof parseIp> {
  const ip = parseIp(text);
  if (ip.octets.every((octet) => octet === 0))
    throw new SyntaxError(`"${text}" is every address: name the one that peers shall see`);
  return ip;
}

function portRange(text: string): PortRange {
  const [, from = "", to = ""] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === "" || first < 1 || last > 65_535) throw new SyntaxError(`"${text}" is not a range of ports such as "49152-65535"`);
  if (first > last) throw new SyntaxError(`"${text}" ends before it begins: write "${last}-${first}"`);
  return { first, last };
}

function hostname(text: string): string {
  if (isIp(text) || (name.test(text) && !/^[\d.]+$/.test(text))) return text;
  throw new SyntaxError(`"${text}" is not a host name or an IP address: leave out scheme, brackets and port`);
}

function regionSlug(text: string): string {
  if (slug.test(text)) return text;
  throw new SyntaxError(`"${text}" is not a slug: small letters, digits and dashes, such as "eu-central"`);
}

function stunUrl(text: string): string {
  const [, host = ""] = /^stuns?:(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(text) ?? [];
  if (isHost(host)) return text;
  throw new SyntaxError(`"${text}" is not a STUN URL such as "stun:stun.example.com:3478"`);
}

function isHost(host: string): boolean {
  return host.startsWith("[") ? isIp(host.slice(1, -1)) : isIp(host) || name.test(host);
}

function origin(text: string): string {
  if (text === "*" || (URL.canParse(text) && new URL(text).origin === text)) return text;
  throw new SyntaxError(`"${text}" is not an origin: scheme, host and port alone, such as "https://app.example.com", or "*"`);
}

function webUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new SyntaxError(`"${text}" is not a URL that begins with https://`);
}

function passthroughTarget(text: string): PassthroughTarget {
  const [, proxy, bracketed, plain, digits] = /^(proxy\+)?(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [bracketed ?? plain ?? "", Number(digits)];
  const valid = bracketed === undefined ? isHost(host) : isIp(host);
  if (valid && port >= 1 && port <= 65_535) return { host, port, proxyHeader: proxy !== undefined };
  throw new SyntaxError(`"${text}" is not a host with a port, such as "127.0.0.1:9443"`);
}

function databaseUrl(text: string): Secret {
  if (/^sqlite:./.test(text) || (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text))) return new Secret(text);
  throw new SyntaxError('is not "sqlite:" with a path, or a URL that begins with postgres://');
}

function notEmpty(text: string): string {
  if (text === "") throw new SyntaxError("is empty");
  return text;
}
