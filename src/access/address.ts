import { isIP, SocketAddress } from 'node:net';

/** An IP address in its one spelling: RFC 5952 for IPv6, without a zone; IPv4 for one that is mapped to IPv6. */
export function plainAddress(address: string): string {
  const [bare = address] = address.split('%', 1);
  if (isIP(bare) !== 6) return bare;
  const { address: plain } = new SocketAddress({ address: bare, family: 'ipv6' });
  return plain.replace(/^::ffff:(?=[\d.]+$)/, '');
}

/**
 * What callers without a credential are counted by: an IPv4 address, or the /64 of an IPv6 address, which is the least
 * that a household or a rented server has.
 *
 * @param address as `plainAddress` spells it
 */
export function addressKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
