// The page: reads openapi.json, and shows what the address after # names.
import {h} from './dom.js';
import {methodPage} from './method.js';
import {Model} from './model.js';
import {homePage, servicePage} from './overview.js';
import {Session} from './session.js';
import {Sidebar} from './sidebar.js';
import {Trial} from './trial.js';

const main = document.getElementById('main');
const TITLE = document.title;

function show(model, session, sidebar, shown) {
  const [serviceName, methodName] = decodeURIComponent(location.hash.replace(/^#\/?/, '')).split('/');
  const place = model.find(serviceName, methodName);
  shown.trial?.leave();
  shown.trial = null;
  if (place.method) {
    shown.trial = new Trial(model, session, place.method);
    main.replaceChildren(h('article', {class: 'text'}, methodPage(model, place.method)), shown.trial.element);
  } else if (serviceName && !place.service || methodName) {
    main.replaceChildren(h('article', {class: 'text'}, h('h1', {}, 'There is no such method'),
      h('p', {}, 'The list has all of them. ', h('a', {href: '#/'}, 'To the overview'))));
  } else {
    main.replaceChildren(h('article', {class: 'text'}, place.service ? servicePage(model, place.service) : homePage(model)));
  }
  main.classList.toggle('with-trial', Boolean(shown.trial));
  document.title = [place.method?.name ?? place.service?.title, TITLE].filter(Boolean).join(' · ');
  sidebar.mark(place);
  sidebar.open(false);
}

async function start() {
  const response = await fetch('/openapi.json');
  if (!response.ok) throw new Error(`openapi.json: ${response.status}`);
  const model = new Model(await response.json());
  const session = new Session();
  const sidebar = new Sidebar(model);
  const shown = {trial: null};
  session.onChange(() => shown.trial?.onToken());
  addEventListener('hashchange', () => {
    show(model, session, sidebar, shown);
    scrollTo(0, 0);
    main.focus({preventScroll: true});
  });
  show(model, session, sidebar, shown);
}

start().catch((error) => main.replaceChildren(h('p', {class: 'wait warn', role: 'alert'}, `The reference cannot be read: ${error.message}`)));
