import type { DemoSource } from './sources.ts';

export type Language = DemoSource['languages'][number][0];

/** Places of the demo; there are none of these names. */
export const CITIES = ['Larkport', 'Seahaven', 'Grauburg', 'Villaluz', 'Pontclair', 'Northmere', 'Osterbruck'];

export const PEOPLE = ['Mara', 'Timo', 'Iris', 'Leon', 'Noor', 'Pavel', 'Inez', 'Sam', 'Wanda', 'Jules'];

export const DAYS: Readonly<Record<Language, readonly string[]>> = {
  en: ['on Monday', 'on Tuesday', 'on Wednesday', 'on Thursday', 'on Friday', 'on Saturday', 'on Sunday'],
  de: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag', 'Sonntag'],
  es: ['el lunes', 'el martes', 'el miércoles', 'el jueves', 'el viernes', 'el sábado', 'el domingo'],
  fr: ['lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi', 'dimanche'],
  ru: ['в понедельник', 'во вторник', 'в среду', 'в четверг', 'в пятницу', 'в субботу', 'в воскресенье'],
};

export const FOODS: Readonly<Record<Language, readonly string[]>> = {
  en: ['ramen', 'pizza', 'dumplings', 'falafel', 'pancakes'],
  de: ['Brunch', 'Pizzaessen', 'Grillen', 'Käsespätzle'],
  es: ['paella', 'tortilla', 'pulpo', 'croquetas'],
  fr: ['une galette', 'une quiche', 'du couscous', 'une tarte'],
  ru: ['пельмени', 'борщ', 'блины'],
};
