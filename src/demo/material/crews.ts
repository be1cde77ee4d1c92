/** A group that sells or attacks in the demo: what makes its contents belong together. */
export interface Crew {
  /** what the rest of the demo calls it */
  key: string;
  /** how it signs */
  name: string;
  trade: 'substances' | 'fraud' | 'malware';
  handle: string;
  email: string;
  /** from number ranges that are kept free for fiction */
  phone: string;
  url: string;
  /** references of the sources where it writes */
  sources: readonly string[];
}

export const CREWS: readonly Crew[] = [
  {
    key: 'velvet',
    name: 'Velvet Courier',
    trade: 'substances',
    handle: 'velvet_courier_demo',
    email: 'velvet.courier@example.com',
    phone: '+49 152 28817386',
    url: 'https://velvet.example.net/menu',
    sources: ['night_garden_demo', 'lauben-forum.example', 'bazaar-meridian'],
  },
  {
    key: 'snowline',
    name: 'Snowline',
    trade: 'substances',
    handle: 'snowline_sales_demo',
    email: 'snowline@example.org',
    phone: '+44 20 7946 0123',
    url: 'https://snowline.example.org/list',
    sources: ['snowline_demo', 'bazaar-meridian', 'quiet-corner'],
  },
  {
    key: 'petal',
    name: 'Petal & Co',
    trade: 'substances',
    handle: 'petal_and_co_demo',
    email: 'orders@petals.example.com',
    phone: '+1 202 555 0143',
    url: 'https://petals.example.com/shop',
    sources: ['petalroom.daily.demo', 'harbour-board.example'],
  },
  {
    key: 'barrio',
    name: 'Ruta Azul',
    trade: 'substances',
    handle: 'ruta_azul_demo',
    email: 'ruta.azul@example.org',
    phone: '+1 415 555 0132',
    url: 'https://ruta-azul.example.net/lista',
    sources: ['group-demo-0417'],
  },
  {
    key: 'sklad',
    name: 'Склад 17',
    trade: 'substances',
    handle: 'sklad17_demo',
    email: 'sklad17@example.net',
    phone: '+49 171 3920012',
    url: 'https://sklad17.example.org/vitrina',
    sources: ['tikhiy_sklad_demo'],
  },
  {
    key: 'comptoir',
    name: 'Maison Brume',
    trade: 'substances',
    handle: 'maison_brume_demo',
    email: 'maison.brume@example.com',
    phone: '+49 30 23125 117',
    url: 'https://brume.example.net/carte',
    sources: ['comptoir-discret.example'],
  },
  {
    key: 'finch',
    name: 'Brass Finch',
    trade: 'fraud',
    handle: 'brass_finch_demo',
    email: 'brassfinch@example.net',
    phone: '+1 202 555 0178',
    url: 'https://finch.example.com/panel',
    sources: ['harbour-board.example', 'bazaar-meridian', 'snowline_demo'],
  },
  {
    key: 'paper',
    name: 'Paper Mill',
    trade: 'fraud',
    handle: 'paper_mill_demo',
    email: 'paper.mill@example.org',
    phone: '+61 491 570 156',
    url: 'https://mill.example.org/templates',
    sources: ['quiet-corner', 'night_garden_demo', 'comptoir-discret.example'],
  },
  {
    key: 'heron',
    name: 'Heron Works',
    trade: 'malware',
    handle: 'heron_works_demo',
    email: 'support@heronworks.example.net',
    phone: '+44 20 7946 0455',
    url: 'https://cdn.heronworks.example.net/update',
    sources: ['harbour-board.example', 'cert-feed.example', 'abuse-feed.example', 'notes'],
  },
  {
    key: 'lantern',
    name: 'Lantern House',
    trade: 'malware',
    handle: 'lantern_house_demo',
    email: 'press@lanternhouse.example.com',
    phone: '+1 415 555 0199',
    url: 'https://lanternhouse.example.com/victims',
    sources: ['bazaar-meridian', 'cert-feed.example', 'abuse-feed.example', 'notes'],
  },
];

/** Two words make an account's name. */
export const NAME_STARTS = 'mossy amber quiet copper lunar dusty velvet rapid hollow sunny frosty silver'.split(' ');
export const NAME_ENDS = 'lantern otter harbour pixel comet thistle sparrow anchor tulip ember marble fox'.split(' ');
