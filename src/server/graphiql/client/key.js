// The key or session token: kept for this browser tab, or for this browser when "Remember" is ticked.

const NAME = 'argus:key';

/**
 * Binds the key field. `onChange` is called after each change of the key, not for the first one.
 * Returns a function that gives the present key, or the empty string.
 */
export function bindKeyField(onChange) {
  const input = document.querySelector('#key');
  const remember = document.querySelector('#key-remember');
  const show = document.querySelector('#key-show');
  let key = takeFromAddress() || sessionStorage.getItem(NAME) || localStorage.getItem(NAME) || '';
  remember.checked = localStorage.getItem(NAME) !== null;
  input.value = key;

  function store() {
    sessionStorage.removeItem(NAME);
    localStorage.removeItem(NAME);
    if (key) (remember.checked ? localStorage : sessionStorage).setItem(NAME, key);
  }

  function change(value) {
    input.value = value.trim();
    if (input.value === key) return;
    key = input.value;
    store();
    onChange();
  }

  store();
  remember.addEventListener('change', store);
  input.addEventListener('change', () => change(input.value));
  document.querySelector('#key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    change(input.value);
  });
  show.addEventListener('click', () => {
    const hidden = input.type === 'password';
    input.type = hidden ? 'text' : 'password';
    show.textContent = hidden ? 'Hide' : 'Show';
    show.setAttribute('aria-pressed', String(hidden));
  });
  window.addEventListener('hashchange', () => {
    const given = takeFromAddress();
    if (given) change(given);
  });
  return () => key;
}

/** Takes the key out of `#key=…`. The address is cleaned at once, so that the key stays out of the history and copies. */
function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given === null) return '';
  history.replaceState(history.state, '', location.pathname + location.search);
  return given.trim();
}
