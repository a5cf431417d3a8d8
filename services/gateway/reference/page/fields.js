// The fields of a message as a table; what lies in a field opens beneath it.
import {h, phrase} from './dom.js';
import {rulesOf, typeOf} from './model.js';

export function fieldsTable(model, schema, heading) {
  const whole = model.resolve(schema);
  if (!Object.keys(whole.properties ?? {}).length) return h('p', {class: 'help'}, 'It has no fields.');
  return h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': heading},
    h('table', {class: 'fields'},
      h('thead', {}, h('tr', {}, ['Field', 'Holds', 'Meaning'].map((name) => h('th', {scope: 'col'}, name)))),
      h('tbody', {}, rowsOf(model, whole, 0))));
}

function rowsOf(model, whole, depth) {
  const required = new Set(whole.required ?? []);
  return Object.entries(whole.properties).map(([name, field]) => row(model, name, field, required.has(name), depth));
}

function row(model, name, schema, required, depth) {
  const type = typeOf(model, schema);
  const opener = type.inner ? h('button', {type: 'button', class: 'opener', 'aria-expanded': 'false',
    'aria-label': `What ${name} holds`}, h('span', {'aria-hidden': 'true'}, '▸')) : h('span', {class: 'opener'});
  const line = h('tr', {class: `depth-${Math.min(depth, 6)}`},
    h('th', {scope: 'row'}, opener, h('code', {}, name), required ? h('span', {class: 'must'}, 'required') : null),
    h('td', {}, type.words),
    h('td', {}, meaning(model, schema, type)));
  if (type.inner) {
    let inside = null;
    opener.addEventListener('click', () => {
      const open = opener.getAttribute('aria-expanded') !== 'true';
      opener.setAttribute('aria-expanded', String(open));
      inside ??= rowsOf(model, model.resolve(type.inner), depth + 1);
      if (open) line.after(...inside);
      else close(line, depth);
    });
  }
  return line;
}

// Takes away all rows beneath, and marks those that were open as closed.
function close(line, depth) {
  while (line.nextSibling && depthOf(line.nextSibling) > depth) {
    line.nextSibling.querySelector('.opener[aria-expanded]')?.setAttribute('aria-expanded', 'false');
    line.nextSibling.remove();
  }
}

const depthOf = (line) => Number(line.className.replace('depth-', ''));

function meaning(model, schema, type) {
  const own = schema.description ?? (type.inner ? model.resolve(type.inner).description : '') ?? '';
  const rules = rulesOf(schema);
  return [
    own ? phrase(own.split('\n\n')[0]) : null,
    rules.length ? h('span', {class: 'rules'}, ` (${rules.join('; ')})`) : null,
    'x-nisi-confidential' in schema ? h('span', {class: 'mark'}, confidential(schema['x-nisi-confidential'])) : null,
    type.values ? values(type.values) : null];
}

function confidential(readers) {
  return `Confidential (Art. 6(3)): seen by its owner, auditors${readers.length ? `, ${readers.join(', ')}` : ''}`;
}

function values(schema) {
  const said = schema['x-enum-descriptions'] ?? [];
  return h('ul', {class: 'values'}, schema.enum.map((value, i) =>
    h('li', {}, h('code', {}, value), said[i] ? [' ', phrase(said[i])] : null)));
}
