import type { Texts } from './texts.ts';

export const FORUM_EN: Texts = {
  none: [
    'Best way to store old photographs? | I inherited {n} albums and the attic is damp. Boxes, cabinets, or scan everything and be done with it? Replies with experience welcome.',
    'Trip report: {city} in {n} days | Arrived {day} around {time}, walked until the feet gave up. The {food} near the old harbour is worth the detour. Pictures follow.',
    'Router keeps dropping the connection | Every evening around {time} the line is gone for {n} minutes. Provider says all is well. What can I log to prove it?',
    'Rules for the trading section, please read | Photos with a date, no links that expire, be polite. Threads that ignore this are closed by {person}.',
    'Restoring a wooden boat, part {n} | Sanded the hull {day}, found less rot than feared. Next: varnish. Does anyone still make bronze screws in this size?',
    'Which tea for people who hate tea? | My partner drinks {food} for breakfast, so the bar is low. Looking for a gift under {price}.',
    'Night sky over {city} | Exposure {n} seconds, no filter. The planet in the corner is real, I checked.',
    'Password manager for a small club | We are {n} people, half of them past seventy. It has to be simple and must not cost much. What do you use?',
    'Looking for a chess partner | Around {n}00 points, evenings, {time} or later. Correspondence is fine too.',
    'Moving servers {day} | The board will be read-only for about {n} minutes at {time}. Make tea. | {person}',
    'Old radio hums | Replaced {n} capacitors, still hums at 50 Hz. Schematic attached. Any idea where to look?',
    'Book club: what next? | We finished the last one faster than expected. Suggestions, please: we vote {day} at {time}.',
  ],
  low: [
    'Snow chains for a small car | Driving to {city} {day}, they expect snow. Do {n} inch wheels need special ones?',
    'Escrow for a used lens? | The buyer insists on escrow and half up front for the shipping. Is that usual around {price}?',
    'CVE-2026-{cve} in our printer | The vendor lists CVE-2026-{cve} as fixed in firmware {n}. Has anyone tried the update?',
    'Garden loader for hire | Compact loader, {n} kW, {price} a day, pick up in {city}.',
    'Mushroom season 🍄 | Basket full within {n} minutes. Identification thread: please post the underside too.',
    'Mail with a spoofing warning | Our newsletter was first marked as spoofing {day}. Which record did I forget?',
    'Refund method for cancelled concerts | Which refund method did you get, voucher or money? {person} asked {day} and still waits.',
    'Speed of this board | Pages take {n} seconds at {time}. Is it me?',
  ],
  medium: [
    'Odd offer in my inbox | Someone calling himself {name} offers me work as a money mule, of course in nicer words: receive, keep {n} percent, pass on. Posting it here as a warning.',
    'What is a combo list and is mine in one? | A colleague found our domain in a combo list of last year. How do you check without handing over more?',
    'Ketamine therapy, experiences? | My doctor mentioned ketamine for depression. Any clinic near {city} that you can recommend?',
    'Our supplier was hit by ransomware | Deliveries stopped {day}. They say {n} days. How do you plan for this?',
    'Is cocaine use really up? | The waste water figures for {city} say so. Sources inside, please no offers.',
    'Carding attempts on my shop | {n} tiny payments within minutes, all declined. What do you rate-limit on?',
    'Strange device found behind a shop till | Turned out to be a keylogger between keyboard and till. Police informed.',
    'Backdoor in a plugin? | After the last update the plugin calls {domain} every {n} minutes. Backdoor or just bad statistics?',
  ],
  high: [
    '[Shop] {name} opens again | Oxycodone and ketamine, tested, stealth shipping from {city}. Test order from {price}. PGP {pgp}. Write to {email}.',
    'Selling initial access, mid-size company | VPN and one admin account, backdoor stays in place. {price}, escrow welcome. Contact {handle_link}',
    'Stealer logs, {n} GB | Stealer logs of last week, no duplicates, sorted by country. Sample at {url}',
    'Verified accounts for sale | Verified accounts for sale with phishing kit as a bonus. {price}, {btc}',
    'WTS fullz, fresh | Fullz with score, {n} pieces left, replacement within 24 hours. {email}',
    'Loader as a service | Loader with infostealer module and command and control panel. Weekly {price}. Demo at {url}',
  ],
  critical: [
    'GreyHeron {n}.0 released | GreyHeron now comes with loader, keylogger and a botnet panel. Command and control on {ip}. Price {price}, XMR {xmr}. — {name}',
    'Bulk: carfentanil and nitazenes | Carfentanil, protonitazene, heroin. Decoy parcel on request, monero only. {onion} — PGP {pgp}',
    'Full package: phishing kit, fullz, bank drops | Phishing kit for {n} banks, fullz included, bank drops in {city}. Clean coins to {btc}. Support: {handle_link}',
    'PaperLantern partners wanted | PaperLantern pays {n}0 percent. You bring initial access, we bring ransomware and the leak site: {onion}',
  ],
};

export const FORUM_DE: Texts = {
  none: [
    'Hecke schneiden, wann? | Bei uns steht sie {n} Meter hoch. Der Nachbar drängt. Gibt es eine Frist?',
    'Gartenhaus neu decken | Dachpappe oder Blech? Fläche etwa {n} Quadratmeter, Budget {price}.',
    'Treffen am {day} | Wir sehen uns um {time} in {city}. Kuchen bringt {person} mit.',
    'Regentonne läuft über | Nach jedem Gewitter dasselbe. Wer hat eine Lösung ohne Strom?',
    'Sonnenblumen {n} Meter hoch | Beweisfoto folgt. Dünger war nur Kompost.',
    'Wasserzähler tauschen | Der Verein verlangt {price}. Ist das üblich?',
    'Igel gefunden | Wiegt {n}00 Gramm. Reicht das für den Winter?',
  ],
  low: [
    'Räumpflicht bei Schnee | Wer räumt den Schnee auf dem Hauptweg vor {time}?',
    'Gras wächst nicht an | Drei Wochen nach der Aussaat immer noch kein Gras. Boden ist sandig.',
    'Teile für Rasenmäher | Suche Teile für ein altes Modell, zahle bis {price}.',
  ],
  medium: [
    'Verdächtiges Paket in der Laube | Ohne Absender und vacuum sealed, riecht streng. Polizei war da.',
    'Warnung: Finanzagent gesucht | So eine Mail ging an halb {city}. Nicht antworten!',
    'Amphetamin im Vereinsheim gefunden | Der Vorstand hat Anzeige erstattet. Bitte {day} alle kommen.',
  ],
  high: [
    'Dokumente aller Art | Gefälschte Ausweise, Lieferung ohne Absender, Bankkonto über Finanzagent. Kontakt {email}, Konto {iban}',
    '{name} liefert wieder | Koks, Ketamin, toter Briefkasten im Umkreis {city}. {handle_link}',
  ],
  critical: [
    '{name}: neue Liste | Heroin, Koks, Ketamin, MDMA. Toter Briefkasten {city}, monero only {xmr}',
    'Komplettpaket | Gefälschte Ausweise, fullz, Finanzagent, cloned cards. {price}, {phone}',
  ],
};
