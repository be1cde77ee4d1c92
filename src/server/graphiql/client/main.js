import { createFetcher } from './fetcher.js';
import { bindKeyField } from './key.js';

const NO_KEY =
  'To run operations, paste an API key or a session token above. `npx argus key create` makes a key, the example `SignIn` a session.';
const BAD_KEY =
  'The server did not accept this key or session token. `npx argus key create` makes a new key, the example `SignIn` a new session.';

const { endpoint, examples } = JSON.parse(document.querySelector('#config').textContent);
const root = document.querySelector('#graphiql');
const storage = createStorage('argus:');

const getKey = bindKeyField(() => {
  showState(false);
  // GraphiQL's own shortcut for loading the schema again.
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'R', ctrlKey: true }));
});

const send = createFetcher({ endpoint, getKey, report: (refused) => showState(refused, !refused) });

function fetcher(params, options) {
  if (getKey() || options?.headers?.Authorization || options?.headers?.authorization) return send(params, options);
  // Nobody has a session before signing in.
  if (/\bsignIn\b/.test(params.query)) return send(params, options);
  // Of anything else the answer is known; asking would only fill the log of the server.
  return Promise.resolve({ errors: [{ message: NO_KEY.replaceAll('`', '') }] });
}

/** Shows whether the key works. A key that has not been used yet shows nothing. */
function showState(refused, accepted = false) {
  const state = document.querySelector('#key-state');
  const notice = document.querySelector('#notice');
  const name = !getKey() ? '' : refused ? 'refused' : accepted ? 'accepted' : '';
  state.dataset.state = name;
  state.textContent = { accepted: 'Accepted', refused: 'Not accepted' }[name] ?? '';
  const text = !getKey() ? NO_KEY : refused ? BAD_KEY : '';
  notice.hidden = text === '';
  notice.replaceChildren(
    ...text.split('`').map((part, index) => {
      if (index % 2 === 0) return part;
      const code = document.createElement('code');
      code.textContent = part;
      return code;
    }),
  );
}

/** Request headers may hold a key: the history would keep them with the operation. */
function withoutHeaders(name, value) {
  if (!/:(queries|favorites)$/.test(name)) return value;
  return JSON.stringify(JSON.parse(value), (field, inner) => (field === 'headers' ? undefined : inner));
}

/** Keeps GraphiQL's tabs apart from those of any other GraphiQL served at the same address before. */
function createStorage(prefix) {
  const names = () => Object.keys(localStorage).filter((name) => name.startsWith(`${prefix}graphiql:`));
  return {
    get length() {
      return names().length;
    },
    getItem: (name) => localStorage.getItem(prefix + name),
    setItem: (name, value) => localStorage.setItem(prefix + name, withoutHeaders(name, value)),
    removeItem: (name) => localStorage.removeItem(prefix + name),
    clear: () => names().forEach((name) => void localStorage.removeItem(name)),
  };
}

/** The examples by their groups, in the order of the first of each. */
function groupsOfExamples() {
  const groups = new Map();
  for (const example of examples) groups.set(example.group, [...(groups.get(example.group) ?? []), example]);
  return groups;
}

/** The menu lists all examples, with the numbers of their files. */
function bindExamplesMenu() {
  const menu = document.querySelector('#examples');
  for (const [label, members] of groupsOfExamples()) {
    const group = document.createElement('optgroup');
    group.label = label;
    for (const example of members) {
      const option = new Option(`${example.number} ${example.title}`, String(examples.indexOf(example)));
      option.title = example.name;
      group.append(option);
    }
    menu.append(group);
  }
  menu.hidden = examples.length === 0;
  menu.addEventListener('change', () => {
    const example = examples[Number(menu.value)];
    menu.value = '';
    if (example) openExample(example);
  });
}

function openExample(example) {
  document.querySelector('.graphiql-tab-add')?.click();
  // The new tab fills the editors while it is drawn; the example goes in after that.
  setTimeout(() => {
    setEditor('operation.graphql', example.query);
    setEditor('variables.json', example.variables);
  }, 50);
}

function setEditor(name, text) {
  const model = globalThis.monaco.editor.getModels().find((each) => each.uri.path.endsWith(name));
  model?.setValue(text);
}

function start() {
  // A first visit shows the first of each group; the tabs of an earlier visit take their place.
  const first = [...groupsOfExamples().values()].map(([example]) => example);
  const isFirstVisit = storage.getItem('graphiql:tabState') === null;
  root.replaceChildren();
  globalThis.YogaGraphiQL.renderYogaGraphiQL(root, {
    fetcher,
    storage,
    defaultQuery: '',
    ...(first.length > 0 ? { defaultTabs: first.map(({ query, variables }) => ({ query, variables })) } : {}),
    // The variables editor does not take the variables of the first tab by itself.
    ...(isFirstVisit && first[0]?.variables ? { variables: first[0].variables } : {}),
    defaultEditorToolsVisibility: 'variables',
    // Nor do tabs keep their headers.
    shouldPersistHeaders: false,
    // By default each edit would be written into the address.
    onEditQuery: () => {},
    // Brings back the default set, which has the history.
    plugins: undefined,
  });
}

bindExamplesMenu();
showState(false);
start();
