import type { Texts } from './texts.ts';

export const MARKET_EN: Texts = {
  none: [
    'Leather wallet, handmade | Vegetable tanned, {n} card slots. Ships from {city}. {price}',
    'Vintage film camera | Works, light meter a bit off. With {n} rolls of film. {price}',
    'E-book collection: gardening | {n} titles, instant download. {price}',
    'Custom keyboard, 60 percent layout | Lubed switches, built in {city}. {price}',
    'Mechanical watch, serviced {day} | Runs {n} seconds fast a day. Box, no papers. {price}',
    'Poster print, city map of {city} | Size A2, {n} left. {price}',
  ],
  low: [
    'Shipping bags, black, {n} pieces | Plain, no print, no signature needed on delivery. {price} with bulk discount',
    'Gift card, {n}0 units | Gift cards accepted elsewhere, sold here below value. Finalise early for trusted buyers. {price}',
    'Growing set 🍄 | For edible species only. {n} litres. {price}',
    'Postbox service {city} | We reship within {n} days. {price} a month, escrow welcome',
    'Price list 0.{cve} BTC | Various stickers, 0.0{n} btc a set, ships {day}',
  ],
  medium: [
    'Cannabis flowers, {n}g | Indoor, from {city}. Half up front. {price}',
    'Psilocybin truffles | Fresh, {n}g pure. {price}, escrow only',
    'LSD tabs, {n} pieces | Laid {day}. {price}',
    'Tramadol, blister of {n} | From a pharmacy in {city}. {price}',
    'SIM swap tutorial | PDF, {n} pages, for education only. {price}',
    'Combo list, {n} million lines | Mail and password, two years old. {price}',
    'Mail drop with dropbox pickup | {city}, {n} days of storage. {price}',
    'Moisture barrier bag, {n} pieces | Keeps smell in. Stealth shipping of course. {price}',
  ],
  high: [
    'Cocaine, washed, {n}g | {name}: from {city}, stealth shipping, vacuum sealed twice. {price}, XMR {xmr}',
    'MDMA crystals, {n}g pure | Stealth shipping, decoy parcel on request. {price}. PGP {pgp}',
    'Ketamine, S-isomer | {n}g, tested. Monero only. Ask {email}. {price}',
    'Heroin no. 4 🐉 | Small test order possible. No signature. {price}, pay to {legacy}',
    'Methamphetamine 💎 | {n}g, lab tested, decoy parcel. {price} to {eth}',
    'Fake passports, {n} countries | Registered fake passports with chip, bank drops as an extra. See {url}. {price}',
    'CVV, fresh, {n} pieces | CVV with balance, cloned cards on request. {price}, coin mixer advised. {btc}',
    'Stealer logs subscription | New stealer logs every week, infostealer of our own. {price} a week. {onion}',
  ],
  critical: [
    'Fentanyl patches, {n} pieces | {name}: stealth shipping, monero only. Also oxycodone and heroin. {price}. XMR {xmr}',
    'Etonitazene solution | {n} ml, vacuum sealed, decoy parcel. {price}, clean coins only: {btc}',
    'GreyHeron licence, {n} days | Loader, infostealer, command and control on {ip}. Manual at {url}. {price}',
    'PaperLantern partner seat | Ransomware, leak site {onion}, {n}0 percent for you. Initial access needed. {price}',
    'Starter pack fraud | Fullz, phishing kit, cloned cards, bank drops. {price}. {email} / {handle_link}',
    'Carfentanil and heroin, mixed | {n}g. Dead drop in {city} or stealth shipping. XMR {xmr}',
  ],
};

export const REPORT_EN: Texts = {
  none: [
    'Scheduled maintenance of the feed | The feed pauses {day} at {time} for about {n} minutes. No action is needed.',
    'Weekly summary: nothing to report | {n} reports were received and closed. None met the threshold for publication.',
    'Certificate renewal on {domain} | The certificate was renewed and is valid for {n}0 days. Fingerprint on request.',
    'Guidance: backups that work | Restore once a month, keep one copy offline, write down who may press the button. {n} pages.',
    'False alarm withdrawn | The address {ip} was reported by mistake {day} and has been taken off the list.',
    'Workshop in {city} | Incident exercises for small organisations, {day} {time}, {n} seats left.',
    'Statistics of the month | {n}0 reports, median time to answer {n} hours. Details in the annex.',
  ],
  low: [
    'CVE-2026-{cve} in a mail gateway | Rated medium. Update to release {n}. Details at https://{domain}/advisories/{cve}',
    'Spoofing of parcel services | {n} mails a day, sender addresses under {domain}. Users should be told.',
    'Unusual tumbler traffic | An exchange reports {n} transfers to a tumbler within an hour.',
    'Loader seen in the wild | Unknown loader, hash {md5}. No further stage was observed.',
  ],
  medium: [
    'Infostealer campaign against travellers | Sender booking@{domain}, attachment {sha256}. {n} reports from {city}.',
    'Botnet scanning for cameras | Sources {ip} and {ip6}, {n} probes a minute. CVE-2026-{cve} is tried.',
    'Phishing kit for a parcel service | A phishing kit is hosted at hxxps://{defanged}/login. Takedown asked for {day}.',
    'Command and control traffic to {ip_defanged} | Command and control over port {n}443. Block and look for earlier contacts.',
    'Nitazenes in seized tablets | Laboratory in {city}: {n} of the tablets held metonitazene. Warning to hospitals.',
    'Backdoor in a copied installer | SHA-1 {sha1}. The backdoor starts {n} minutes after installation.',
  ],
  high: [
    'Initial access offered for a hospital | {name} offers initial access with a backdoor in place. Listing: {onion}. Affected: one organisation in {city}.',
    'Ransomware against logistics firms | Ransomware enters through a zero-day, CVE-2026-{cve}. Indicators: {ip_defanged}, {sha256}.',
    'Stealer logs and botnet share infrastructure | Stealer logs are sold by {name}; the botnet answers on {ip} and {ip6}.',
    'Counterfeit oxycodone with fentanyl | Tablets from {city}, sold as party favours. Contact used: {phone}.',
    'Money mule network behind account {iban} | Money mule adverts and a phishing kit lead to the same mailbox {email}.',
  ],
  critical: [
    'GreyHeron: new command and control | GreyHeron, loader stage {sha256}, command and control {ip_defanged} and {defanged}. Keylogger module active. Act now.',
    'PaperLantern names {n} victims | PaperLantern published on its leak site {onion}. Ransomware note asks for payment to {btc}.',
    'Carfentanil found in cocaine | Seizure in {city}, {n} packets. Carfentanil in every one. Seller signs as {name}, {handle_link}.',
    'GreyHeron and PaperLantern work together | Initial access by GreyHeron ({ip_defanged}), ransomware by PaperLantern. Wallet {eth}.',
  ],
};

export const NOTE_EN: Texts = {
  none: [
    'Call with the liaison officer | {day} {time}. Nothing new. Next call in {n} days.',
    'Reading list | {n} articles about market places, filed in the library.',
  ],
  low: [
    'Note on emoji use 🔌💎 | {person} sees these two used as signs lately. {n} examples collected.',
    'Escrow habits | Sellers in {city} moved from escrow to direct payment.',
  ],
  medium: [
    'Hint from a courier | A courier in {city} saw a dead drop behind the station, {geo}. Not verified.',
    'Botnet or not? | {n} addresses, among them {ip}. Looks like a botnet, could be research.',
  ],
  high: [
    'Same wallet, two names | {btc} is used by {name} and by an account that sells MDMA with stealth shipping. {n} payments.',
    'Who answers {phone}? | Called twice. A man, offers ketamine and oxycodone, wants {price}.',
  ],
  critical: [
    'Link between {name} and GreyHeron | Mail {email} registered the host behind {ip}. GreyHeron, ransomware, one operator?',
  ],
};
