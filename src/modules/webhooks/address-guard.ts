import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

/** The address is none that webhooks may go to. */
export class ForbiddenAddress extends Error {
  readonly code = 'FORBIDDEN_ADDRESS';
}

/** IPv4 that is not on the internet: https://www.iana.org/assignments/iana-ipv4-special-registry */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // The host of a virtual machine on Azure, which trusts the machine: a public number that is not on the internet.
  '168.63.129.16/32',
];
/** Of IPv6 only this part is given out, and the two ways to write an IPv4 address, which must be public itself. */
const PUBLIC_V6 = ['2000::/3', '::ffff:0:0/96', '64:ff9b::/96'];
/** Protocols and tunnels (Teredo, 6to4), documentation: https://www.iana.org/assignments/iana-ipv6-special-registry */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/** Adds networks; one of IPv4 in its IPv4-mapped and its NAT64 form too. */
function add(list: BlockList, networks: readonly string[]): BlockList {
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const prefix = Number(bits);
    if (isIPv4(address)) {
      list.addSubnet(address, prefix, 'ipv4');
      for (const form of ['::ffff:', '64:ff9b::']) list.addSubnet(`${form}${address}`, 96 + prefix, 'ipv6');
    } else list.addSubnet(address, prefix, 'ipv6');
  }
  return list;
}

const PUBLIC = add(new BlockList(), PUBLIC_V6);
const NOT_PUBLIC = add(new BlockList(), [...NOT_PUBLIC_V4, ...NOT_PUBLIC_V6]);

/** Which addresses webhooks may go to: public ones, and private ones as the operator allows. */
export class AddressGuard {
  readonly #allowPrivate: boolean;
  readonly #allowed: BlockList;

  constructor(options: { allowPrivate: boolean; networks: readonly string[] }) {
    this.#allowPrivate = options.allowPrivate;
    this.#allowed = add(new BlockList(), options.networks);
  }

  /** Whether an IP address may be connected to. */
  allows(address: string): boolean {
    const version = isIP(address);
    // A zone (fe80::1%eth0) names an interface of this machine.
    if (version === 0 || address.includes('%')) return false;
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (this.#allowPrivate || this.#allowed.check(address, family)) return true;
    return (version === 4 || PUBLIC.check(address, family)) && !NOT_PUBLIC.check(address, family);
  }

  /**
   * Throws ForbiddenAddress for a URL whose host is an address that is not allowed. A name is checked when it is used,
   * but for localhost, which is this machine everywhere (RFC 6761).
   */
  checkUrl(url: URL): void {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !this.allows(host)) throw forbidden(host, host);
    if (/(^|\.)localhost\.?$/.test(host) && !LOOPBACK.some((address) => this.allows(address)))
      throw forbidden(host, LOOPBACK[0]);
  }

  /**
   * For `http.request`: what a name means, refused when any of it is not allowed. These very addresses are connected
   * to, so a name that means something else a moment later gains nothing.
   */
  readonly lookup: LookupFunction = (hostname, options: LookupOptions, callback) => {
    lookup(hostname, { ...options, all: true }, (error: Error | null, found: LookupAddress[]) => {
      if (error) return callback(error, '');
      const bad = found.find(({ address }) => !this.allows(address));
      const [first] = found;
      if (bad || !first) return callback(forbidden(hostname, bad?.address ?? 'nothing'), '');
      return options.all ? callback(null, found) : callback(null, first.address, first.family);
    });
  };
}

function forbidden(host: string, address: string): ForbiddenAddress {
  const what = host === address ? address : `${host} is ${address}, which`;
  return new ForbiddenAddress(
    `${what} is not a public address. The operator can allow it: with WEBHOOK_ALLOWED_NETWORKS its network, with WEBHOOK_ALLOW_PRIVATE=true any address`,
  );
}
