import type { KeywordInput } from '../../modules/intel/keyword.service.ts';

type Category = KeywordInput['category'];
type Row = readonly [term: string, weight: number, concept?: string];

/** Keywords of one kind: rows of term, weight and, for synonyms, the concept that they share. */
function group(
  category: Category,
  rows: readonly Row[],
  more: Pick<Partial<KeywordInput>, 'matchType' | 'language' | 'gap'> = {},
): KeywordInput[] {
  return rows.map(([term, weight, conceptId = null]) => ({
    term,
    weight,
    conceptId,
    category,
    matchType: 'LITERAL',
    ...more,
  }));
}

const SUBSTANCES = group('SUBSTANCE', [
  ['cocaine', 0.5, 'cocaine'],
  ['MDMA', 0.5, 'mdma'],
  ['ketamine', 0.5, 'ketamine'],
  ['methamphetamine', 0.6, 'methamphetamine'],
  ['oxycodone', 0.55, 'opioids'],
  ['LSD', 0.45, 'lsd'],
  ['psilocybin', 0.4, 'mushrooms'],
  ['GHB', 0.6, 'ghb'],
  ['heroin', 0.65, 'heroin'],
  ['fentanyl', 0.85, 'fentanyl'],
  ['carfentanil', 0.95, 'fentanyl'],
  ['mephedrone', 0.55, 'mephedrone'],
  ['tramadol', 0.4, 'opioids'],
  ['cannabis', 0.3, 'cannabis'],
]);

const SLANG = group('SLANG', [
  ['coke', 0.45, 'cocaine'],
  ['snow', 0.22, 'cocaine'],
  ['molly', 0.28, 'mdma'],
  ['ket', 0.28, 'ketamine'],
  ['speed', 0.2, 'amphetamine'],
  ['tina', 0.25, 'methamphetamine'],
  ['oxys', 0.4, 'opioids'],
  ['tabs', 0.2, 'lsd'],
  ['shrooms', 0.28, 'mushrooms'],
  ['china white', 0.7, 'fentanyl'],
  ['smack', 0.25, 'heroin'],
  ['xans', 0.4, 'benzodiazepines'],
  ['plug', 0.18, 'dealer'],
  ['stash', 0.18],
  ['re-up', 0.28],
  ['party favours', 0.28],
]);

const EMOJI = group(
  'EMOJI',
  [
    ['❄️', 0.24, 'cocaine'],
    ['💊', 0.26, 'pills'],
    ['🍄', 0.24, 'mushrooms'],
    ['🔌', 0.22, 'dealer'],
    ['🌿', 0.15, 'cannabis'],
    ['🐴', 0.24, 'ketamine'],
    ['💎', 0.15, 'methamphetamine'],
    ['🐉', 0.28, 'heroin'],
    ['🎱', 0.22, 'cocaine'],
    ['📦', 0.12, 'shipping'],
  ],
  { matchType: 'EMOJI' },
);

const LOGISTICS = [
  ...group(
    'LOGISTICS',
    [
      ['dead drop', 0.5, 'dead-drop'],
      ['stealth shipping', 0.5, 'stealth'],
      ['vacuum sealed', 0.45, 'stealth'],
      ['decoy parcel', 0.5, 'stealth'],
      ['no signature', 0.25, 'shipping'],
      ['lands before weekend', 0.28],
      ['meet at lockers', 0.45, 'dead-drop'],
      ['bulk discount', 0.22],
    ],
    { matchType: 'PHRASE', gap: 2 },
  ),
  ...group('LOGISTICS', [
    ['dropbox pickup', 0.4, 'dead-drop'],
    ['moisture barrier bag', 0.4, 'stealth'],
    ['test order', 0.18],
    ['reship', 0.25, 'reshipping'],
  ]),
];

const PAYMENT = [
  ...group(
    'PAYMENT',
    [
      ['monero only', 0.4, 'monero'],
      ['crypto only', 0.28, 'crypto'],
      ['gift cards accepted', 0.28, 'gift-cards'],
      ['half up front', 0.22],
      ['clean coins', 0.5, 'laundering'],
      ['coin mixer', 0.5, 'laundering'],
    ],
    { matchType: 'PHRASE', gap: 1 },
  ),
  ...group('PAYMENT', [
    ['escrow', 0.2],
    ['finalise early', 0.28],
    ['XMR', 0.22, 'monero'],
    ['tumbler', 0.28, 'laundering'],
  ]),
];

const FRAUD = [
  ...group('FRAUD', [
    ['fullz', 0.7, 'stolen-identity'],
    ['phishing kit', 0.65, 'phishing'],
    ['SIM swap', 0.55, 'sim-swap'],
    ['bank drops', 0.6, 'money-mules'],
    ['money mule', 0.55, 'money-mules'],
    ['refund method', 0.28, 'refund-fraud'],
    ['CVV', 0.5, 'carding'],
    ['combo list', 0.5, 'stolen-credentials'],
    ['spoofing', 0.22],
  ]),
  ...group(
    'FRAUD',
    [
      ['fake passports', 0.6, 'forged-documents'],
      ['cloned cards', 0.65, 'carding'],
      ['verified accounts sale', 0.45, 'accounts'],
    ],
    { matchType: 'PHRASE', gap: 2 },
  ),
];

const MALWARE = group('MALWARE', [
  ['GreyHeron', 0.85, 'greyheron'],
  ['PaperLantern', 0.8, 'paperlantern'],
  ['infostealer', 0.55, 'infostealer'],
  ['botnet', 0.5, 'botnet'],
  ['loader', 0.25, 'loader'],
  ['initial access', 0.55, 'initial-access'],
  ['zero-day', 0.55, 'exploit'],
  ['command and control', 0.5, 'c2'],
  ['stealer logs', 0.65, 'infostealer'],
  ['leak site', 0.6, 'extortion'],
  ['backdoor', 0.45, 'backdoor'],
  ['keylogger', 0.5, 'infostealer'],
]);

const WILDCARDS = [
  ...group('SUBSTANCE', [['amphetamin*', 0.5, 'amphetamine']], { matchType: 'WILDCARD' }),
  ...group('SUBSTANCE', [['*nitazene*', 0.9, 'nitazenes']], { matchType: 'WILDCARD' }),
  ...group('MALWARE', [['ransom*', 0.55, 'extortion']], { matchType: 'WILDCARD' }),
  ...group(
    'FRAUD',
    [
      ['carding*', 0.5, 'carding'],
      ['doxx*', 0.4, 'doxxing'],
    ],
    { matchType: 'WILDCARD' },
  ),
  ...group('LOGISTICS', [['заклад*', 0.5, 'dead-drop']], { matchType: 'WILDCARD', language: 'ru' }),
];

const REGEXES = [
  ...group('OTHER', [[String.raw`\bcve-20\d\d-\d{4,7}\b`, 0.26, 'vulnerability']], { matchType: 'REGEX' }),
  ...group('SLANG', [[String.raw`\b\d{1,3} ?g(r|rams?)? (of )?(pure|uncut)\b`, 0.55, 'quantity']], {
    matchType: 'REGEX',
  }),
  ...group('PAYMENT', [[String.raw`\b0\.\d{2,4} ?btc\b`, 0.24, 'bitcoin-price']], { matchType: 'REGEX' }),
];

const GERMAN = [
  ...group(
    'SLANG',
    [
      ['Koks', 0.5, 'cocaine'],
      ['Schnee', 0.2, 'cocaine'],
      ['Gras', 0.2, 'cannabis'],
      ['Teile', 0.18, 'pills'],
      ['Pappen', 0.28, 'lsd'],
    ],
    { language: 'de' },
  ),
  ...group('SUBSTANCE', [['Ketamin', 0.5, 'ketamine']], { language: 'de' }),
  ...group('LOGISTICS', [['ohne Absender', 0.28, 'stealth']], { language: 'de', matchType: 'PHRASE', gap: 1 }),
  ...group('LOGISTICS', [['tote? Briefkasten', 0.5, 'dead-drop']], { language: 'de', matchType: 'WILDCARD' }),
  ...group('FRAUD', [['gefälschte Ausweise', 0.6, 'forged-documents']], {
    language: 'de',
    matchType: 'PHRASE',
    gap: 2,
  }),
  ...group('FRAUD', [['Finanzagent', 0.55, 'money-mules']], { language: 'de' }),
];

const SPANISH = [
  ...group(
    'SLANG',
    [
      ['farlopa', 0.5, 'cocaine'],
      ['nieve', 0.2, 'cocaine'],
      ['pastillas', 0.24, 'pills'],
      ['hierba', 0.18, 'cannabis'],
      ['camello', 0.28, 'dealer'],
    ],
    { language: 'es' },
  ),
  ...group('SUBSTANCE', [['cocaína', 0.5, 'cocaine']], { language: 'es' }),
  ...group(
    'LOGISTICS',
    [
      ['entrega discreta', 0.45, 'stealth'],
      ['punto ciego', 0.45, 'dead-drop'],
    ],
    { language: 'es', matchType: 'PHRASE', gap: 1 },
  ),
  ...group('PAYMENT', [['solo cripto', 0.28, 'crypto']], { language: 'es', matchType: 'PHRASE' }),
  ...group('FRAUD', [['documentos falsos', 0.6, 'forged-documents']], { language: 'es', matchType: 'PHRASE', gap: 1 }),
];

const FRENCH = [
  ...group(
    'SLANG',
    [
      ['neige', 0.2, 'cocaine'],
      ['beuh', 0.26, 'cannabis'],
      ['cachets', 0.24, 'pills'],
      ['taz', 0.45, 'mdma'],
      ['charbonneur', 0.28, 'dealer'],
    ],
    { language: 'fr' },
  ),
  ...group('SUBSTANCE', [['cocaïne', 0.5, 'cocaine']], { language: 'fr' }),
  ...group(
    'LOGISTICS',
    [
      ['livraison discrète', 0.45, 'stealth'],
      ['boîte morte', 0.5, 'dead-drop'],
    ],
    { language: 'fr', matchType: 'PHRASE', gap: 1 },
  ),
  ...group('FRAUD', [['faux papiers', 0.6, 'forged-documents']], { language: 'fr', matchType: 'PHRASE', gap: 1 }),
];

const RUSSIAN = [
  ...group(
    'SLANG',
    [
      ['меф', 0.5, 'mephedrone'],
      ['снег', 0.2, 'cocaine'],
      ['клад', 0.28, 'dead-drop'],
      ['таблетки', 0.22, 'pills'],
      ['барыга', 0.26, 'dealer'],
    ],
    { language: 'ru' },
  ),
  ...group('SUBSTANCE', [['кокаин', 0.5, 'cocaine']], { language: 'ru' }),
  ...group('PAYMENT', [['оплата криптой', 0.35, 'crypto']], { language: 'ru', matchType: 'PHRASE', gap: 1 }),
  ...group('FRAUD', [['поддельные документы', 0.6, 'forged-documents']], {
    language: 'ru',
    matchType: 'PHRASE',
    gap: 1,
  }),
];

/** The dictionary that the demo starts with. Terms of one concept are synonyms: together they count once. */
export const KEYWORDS: readonly KeywordInput[] = [
  ...SUBSTANCES,
  ...SLANG,
  ...EMOJI,
  ...LOGISTICS,
  ...PAYMENT,
  ...FRAUD,
  ...MALWARE,
  ...WILDCARDS,
  ...REGEXES,
  ...GERMAN,
  ...SPANISH,
  ...FRENCH,
  ...RUSSIAN,
];

/** Added when most content is there already: what they find in it is found by the sweep, not at ingest. */
export const LATE_KEYWORDS: readonly KeywordInput[] = [
  ...group('ACTOR', [
    ['Velvet Courier', 0.45, 'velvet-courier'],
    ['Brass Finch', 0.45, 'brass-finch'],
  ]),
  ...group('WEAPON', [['80 percent frame', 0.6, 'unregistered-weapons']], { matchType: 'PHRASE', gap: 1 }),
];
