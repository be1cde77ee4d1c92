import type { Texts } from './texts.ts';

export const CHAT_DE: Texts = {
  none: [
    'Wer kommt {day} mit zum {food}? Ich reserviere für {n}.',
    'Bahn nach {city} hat schon wieder {n} Minuten Verspätung.',
    'Hat jemand einen guten Zahnarzt in {city}?',
    'Probe ist {day} um {time}, bitte pünktlich!',
    'Mein Fahrrad ist weg. Blau, stand am Hafen in {city}. Hinweise bitte an mich.',
    'Danke fürs Helfen beim Umzug, ihr seid super!',
    'Der neue Bäcker ist gut, aber ab {time} ist alles weg.',
    'Suche Mitfahrgelegenheit nach {city} am {day}, zahle {n} Euro.',
    'Kann mir jemand erklären, wie die neue Heizung funktioniert?',
    'Alles Gute zum Geburtstag, {person}! 🎉',
    'Die Tomaten auf dem Balkon werden dieses Jahr nichts mehr.',
    'Wer hat gestern das Spiel gesehen? {n} Tore!',
    'Sitzung ist verschoben auf {day}, {time}.',
    'Im Garten sind wieder Waschbären, wer hat Rat?',
  ],
  low: [
    'Endlich Schnee in {city}! Wer kommt rodeln?',
    'Das Gras muss dringend gemäht werden, wer hat {day} Zeit?',
    'Es fehlen noch zwei Teile vom Regal, wer hat die?',
    'Er hat was von Pappen erzählt, ich habe nicht nachgefragt.',
    'Paket kam ohne Absender hier an, gehört das jemandem? 📦',
  ],
  medium: [
    'In {city} fragt jeden Abend einer nach Koks, nervt.',
    'Ketamin gibt es wieder, {price}, nur für Leute die ich kenne.',
    'Der tote Winkel am Bahnhof ist jetzt ein toter Briefkasten, hab ich gehört.',
    'Hab eine Stelle als Finanzagent angeboten bekommen, klingt komisch.',
    'Speed und Amphetamine kursieren auf dem Fest, passt auf euch auf.',
  ],
  high: [
    '{name}: Koks und Ketamin, {city} und Umland, {price}. Schreib @{handle}',
    'Ware liegt im toten Briefkasten {city}, Cocaine {n}g, Rest nach Zahlung an {btc}',
    'Gefälschte Ausweise, sehr gute Qualität, dazu Finanzagent gesucht. {email}',
    'Neue Teile 💊 und MDMA, stealth shipping, {price}, ruf an: {phone}',
  ],
  critical: [
    'Fentanyl und Koks, toter Briefkasten in {city}, nur XMR {xmr}',
    '{name}: Heroin, Koks, Ketamin. Versand ohne Absender, vacuum sealed. {phone} oder {email}',
    'Gefälschte Ausweise + Fullz + Finanzagent, Paket {price}, zahlbar an {iban}',
  ],
};

export const CHAT_ES: Texts = {
  none: [
    '¿Quién viene {day} a cenar {food}? Somos {n}.',
    'El autobús a {city} sale a las {time}, no lleguéis tarde.',
    'He perdido las llaves de la furgoneta, ¿alguien las ha visto?',
    'Mañana reparto en {city}, {n} paradas, salgo a las {time}.',
    '¡Feliz cumpleaños, {person}! 🎂',
    '¿Alguien conoce un taller barato en {city}?',
    'Partido {day}, faltan dos jugadores.',
    'Otra vez atasco, llego a las {time}.',
    'Gracias por la ayuda de ayer, os debo una.',
    'El jefe dice que cobramos {day}.',
  ],
  low: [
    'Qué nieve ha caído en {city}, carretera cortada.',
    'Las pastillas para el dolor de cabeza están en la guantera.',
    'Huele a hierba recién cortada, por fin primavera.',
    'Ese tiene cara de camello, no le abras.',
  ],
  medium: [
    'Preguntan por farlopa en el bar de {city}, cuidado con esa gente.',
    'Paquete para {person}, entrega discreta, ya sabes dónde.',
    'En el punto ciego de siempre, {time}.',
    'Me han ofrecido cocaína en la puerta, qué asco de barrio.',
  ],
  high: [
    '{name}: farlopa y pastillas, entrega discreta en {city}, {price}. Escribe a @{handle}',
    'Cocaína, {n}g, punto ciego junto al puerto, solo cripto: {btc}',
    'Documentos falsos y fullz, {price}, pide lista en {email}',
  ],
  critical: [
    'Fentanyl y cocaína, entrega discreta, solo cripto {xmr}. {name}',
    'Documentos falsos, fullz, cloned cards, punto ciego {city}. Llama {phone}',
  ],
};

export const CHAT_FR: Texts = {
  none: [
    'Qui vient manger {food} {day} ? On est {n}.',
    'Le train pour {city} a {n} minutes de retard, encore.',
    'Je vends une table en bois, {n}0 euros, à venir chercher à {city}.',
    'Quelqu’un connaît un bon dentiste à {city} ?',
    'Joyeux anniversaire {person} ! 🎉',
    'La réunion est déplacée à {time}.',
    'Chat perdu près du parc de {city}, il est roux et gourmand.',
    'Merci pour le coup de main hier !',
    'Cours de guitare, débutants bienvenus, {day} à {time}.',
    'Cherche colocation à {city} à partir de {day}.',
  ],
  low: [
    'Enfin de la neige à {city}, on sort les luges.',
    'Les cachets contre le mal de mer sont dans le sac.',
    'Ça sent la beuh dans l’escalier, prévenez le gardien.',
    'On dirait un charbonneur, il attend là tous les soirs.',
  ],
  medium: [
    'On m’a proposé de la cocaïne devant la gare, faites attention.',
    'Le taz circule encore à {city}, dites-le aux jeunes.',
    'Colis pour {person}, livraison discrète, comme d’habitude.',
    'Des faux papiers circulent sur le marché de {city}.',
  ],
  high: [
    '{name} : cocaïne et taz, livraison discrète à {city}, {price}. Écrire à {email}',
    'Boîte morte derrière le canal, ketamine et coke, {n}g, {btc}',
    'Faux papiers et fullz, {price}, modèles sur {url}',
  ],
  critical: [
    '{name} : fentanyl et cocaïne, livraison discrète, monero only {xmr}',
    'Faux papiers, cloned cards, fullz, le tout pour {price}. Tél. {phone}',
  ],
};

export const CHAT_RU: Texts = {
  none: [
    'Кто идёт {day} на обед? Нас уже {n}.',
    'Поезд до города {city} опять опаздывает на {n} минут.',
    'Завтра разгрузка в {time}, не опаздывать.',
    'С днём рождения, {person}! 🎉',
    'Посоветуйте хорошего мастера по холодильникам.',
    'Погрузчик сломался, запчасти будут {day}.',
    'Кто забыл перчатки на складе?',
    'Спасибо всем за помощь с переездом!',
    'Накладные на {n} мест готовы, забирайте.',
    'Футбол {day} в {time}, нужен вратарь.',
  ],
  low: [
    'Выпал снег, дороги не чищены, едем медленно.',
    'Таблетки от кашля лежат в аптечке.',
    'Дед нашёл клад на огороде, шутит неделю 😄',
    'Этот барыга опять поднял цены на шины.',
  ],
  medium: [
    'Видел закладку у забора, позвонил куда надо.',
    'Опять спрашивают меф у ворот, гоните их.',
    'Говорят, кокаин везли в бананах, по новостям показали.',
    'Предлагают поддельные документы на машину, не ведитесь.',
  ],
  high: [
    '{name}: меф и кокаин, закладки по городу, {price}. Писать @{handle}',
    'Клад готов, меф {n} г, оплата криптой {btc}',
    'Поддельные документы и fullz, {price}, почта {email}',
  ],
  critical: [
    '{name}: fentanyl, кокаин, меф. Закладка за час, оплата криптой {xmr}',
    'Поддельные документы, cloned cards, fullz. Связь {phone}',
  ],
};
