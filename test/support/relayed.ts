/**
 * Packets that a gateway has sent to clients of one transport, by its log lines of ended allocations.
 *
 * For coturn's test client over TLS: it leaves some of what it received in its own buffer, so its count is no proof.
 */
export function packetsToClients(log: string, transport: string): number {
  const lines = log.split("\n").flatMap((line) => (line.includes('"Allocation ended"') ? [JSON.parse(line)] : []));
  return lines.filter((line) => line.transport === transport).reduce((sum, line) => sum + line.packetsToClient, 0);
}
