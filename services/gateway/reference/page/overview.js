// What there is: the system, and each service.
import {h, prose} from './dom.js';
import {breakable, hrefOf, isPublic} from './model.js';
import {reasonsTable} from './method.js';

export function homePage(model) {
  const {info} = model.document;
  return [
    h('h1', {}, info.title),
    h('div', {class: 'lead'}, h('p', {}, info.summary)),
    h('div', {class: 'cards'}, model.services.map((service) => h('a', {class: 'card', href: `#/${service.name}`},
      h('strong', {}, service.title), h('span', {}, firstSentence(service.about)),
      h('small', {}, `${service.methods.length} methods · ${service.owner || 'on every process'}`)))),
    h('h2', {}, 'How to call'), h('div', {class: 'about'}, prose(info.description)),
    h('h2', {}, 'Roles'), h('dl', {class: 'facts wide'}, Object.entries(model.roles).map(([role, text]) =>
      [h('dt', {}, h('code', {}, role)), h('dd', {}, text)])),
    h('h2', {}, 'Refusals of every call'), reasonsTable(model, model.document['x-nisi-reasons'], 'Reasons of every call'),
    h('p', {class: 'help'}, `Version ${info.version} · ${info.license.name} · `, h('a', {href: '/openapi.json'}, 'openapi.json'))];
}

export function servicePage(model, service) {
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/'}, 'Reference')),
    h('h1', {}, service.title),
    h('p', {class: 'path'}, h('code', {}, breakable(service.full))),
    h('div', {class: 'lead'}, prose(service.about)),
    service.processes.length ? h('p', {}, 'Every process has this service; the header ', h('code', {}, 'nisi-service'),
      ` names the one that is meant: ${service.processes.join(', ')}.`) : null,
    h('h2', {}, 'Methods'),
    h('ul', {class: 'index'}, service.methods.map((method) => h('li', {},
      h('a', {href: hrefOf(method)}, method.name),
      h('span', {class: 'badges'},
        h('span', {class: `badge ${method.mutation ? 'changes' : 'reads'}`}, method.mutation ? 'changes' : 'reads'),
        method.article ? h('span', {class: 'badge law'}, method.article) : null,
        isPublic(method) ? h('span', {class: 'badge'}, 'everybody') : null,
        method.kind === 'unary' ? null : h('span', {class: 'badge'}, 'stream')),
      h('span', {class: 'summary'}, method.summary))))];
}

// Up to the first full stop that is not of "Art. 26".
function firstSentence(text) {
  const line = text.split('\n\n')[0];
  const end = line.search(/(?<!\bArt)\. /);
  return end < 0 ? line : line.slice(0, end + 1);
}
