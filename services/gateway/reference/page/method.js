// One method: what it does, who may call it, what it takes and gives, why it refuses.
import {copyButton, h, phrase, prose} from './dom.js';
import {fieldsTable} from './fields.js';
import {breakable, isPublic} from './model.js';

const KINDS = {'server stream': 'answers with a stream', 'client stream': 'takes a stream', stream: 'streams both ways'};

export function methodPage(model, method) {
  const {service} = method;
  return [
    h('p', {class: 'crumbs'}, h('a', {href: '#/'}, 'Reference'), ' › ', h('a', {href: `#/${service.name}`}, service.title)),
    h('h1', {}, method.name),
    h('p', {class: 'badges'},
      h('span', {class: `badge ${method.mutation ? 'changes' : 'reads'}`}, method.mutation ? 'Changes the register' : 'Reads'),
      method.article ? h('span', {class: 'badge law'}, method.article) : null,
      KINDS[method.kind] ? h('span', {class: 'badge'}, KINDS[method.kind]) : null),
    h('div', {class: 'path'}, h('span', {class: 'verb'}, 'POST'), h('code', {}, breakable(method.path)), copyButton(() => method.path),
      h('button', {type: 'button', class: 'small jump', onclick: () => document.getElementById('try-it').scrollIntoView()}, 'Try it')),
    h('div', {class: 'lead'}, prose(withoutErrors(method.about))),
    h('dl', {class: 'facts'}, facts(model, method).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    h('h2', {}, method.kind.includes('client') ? 'Each message of the request' : 'Request'),
    about(model, method.request), fieldsTable(model, method.request, 'Fields of the request'),
    h('h2', {}, method.kind === 'server stream' ? 'Each message of the answer' : 'Answer'),
    about(model, method.answer), fieldsTable(model, method.answer, 'Fields of the answer'),
    h('h2', {}, 'Refusals'), ...refusals(model, method)];
}

// The reasons stand in a table of their own.
const withoutErrors = (text) => text.replace(/\s*Errors: [\s\S]*$/, '');

function about(model, schema) {
  const text = model.resolve(schema).description;
  return text ? h('div', {class: 'help'}, prose(text)) : null;
}

function facts(model, method) {
  const roles = isPublic(method) ? ['everybody'] : method.roles.map((role) => [h('li', {}, h('code', {}, role), ' ', model.roles[role] ?? '')]);
  return [
    ['May call', isPublic(method) ? 'everybody, signed in or not' : h('ul', {class: 'plain'}, roles)],
    ['Time', `${method.deadlineMs >= 1000 ? `${method.deadlineMs / 1000} s` : `${method.deadlineMs} ms`} where the caller gives none`],
    ['Largest request', `${Math.round(method.maxBytes / 1024)} KiB`],
    method.mutation ? ['Repeating', 'with the same requestId it is done once'] : null,
    method.service.processes.length ? ['Header', [h('code', {}, 'nisi-service'), ` names the process: ${method.service.processes.join(', ')}`]] : null,
  ].filter(Boolean);
}

function refusals(model, method) {
  const errors = method.about.match(/Errors: ([\s\S]*)$/);
  const own = method.reasons.length ? [errors ? h('p', {class: 'help'}, phrase(errors[1])) : null, reasonsTable(model, method.reasons, 'Reasons of this method')]
    : [h('p', {class: 'help'}, errors ? phrase(errors[1]) : 'It has no reasons of its own.')];
  return [...own, h('details', {class: 'every'}, h('summary', {}, 'Of every call'),
    reasonsTable(model, model.document['x-nisi-reasons'], 'Reasons of every call'))];
}

export function reasonsTable(model, reasons, heading) {
  const cited = reasons.some((each) => each.article);
  return h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': heading},
    h('table', {class: 'reasons'},
      h('thead', {}, h('tr', {}, ['Reason', 'Code', 'Meaning', ...(cited ? ['Ground'] : [])].map((name) => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, reasons.map(({reason, code, message, article}) => h('tr', {},
        h('th', {scope: 'row'}, h('code', {}, reason)),
        h('td', {}, code ? [`${code} `, h('small', {}, String(model.codes[code] ?? ''))] : ''),
        h('td', {}, message ?? ''), cited ? h('td', {class: 'ground'}, article ?? '') : null)))));
}
