// A request as a form: an input for each field of its schema. What is empty is left out, as in the JSON of proto3.
import {h, phrase} from './dom.js';
import {typeOf} from './model.js';

const DEEPEST = 6;

// A place for a value: the request itself, or a field or item in one.
function slotOf(parent, key, order) {
  return {
    get: () => parent.get()?.[key],
    set(value) {
      const whole = {...(parent.get() ?? {})};
      if (value === undefined) delete whole[key];
      else whole[key] = value;
      // In the order of the proto, whatever was filled in first.
      parent.set(Object.fromEntries(order.filter((name) => name in whole).map((name) => [name, whole[name]])));
    },
  };
}

function itemOf(parent, index) {
  return {
    get: () => parent.get()?.[index],
    set: (value) => parent.set(parent.get().map((each, i) => (i === index ? value ?? '' : each))),
  };
}

export class Form {
  // `request` is {get, set} of the whole request.
  constructor(model, schema, request) {
    this.model = model;
    this.schema = schema;
    this.request = request;
    this.ids = 0;
    this.element = h('div', {class: 'form'});
    this.draw();
  }

  draw() {
    this.element.replaceChildren(...this.fields(this.schema, this.request, 0));
    if (!this.element.children.length) this.element.append(h('p', {class: 'help'}, 'It has no fields.'));
  }

  fields(schema, slot, depth) {
    const whole = this.model.resolve(schema);
    const names = Object.keys(whole.properties ?? {});
    const required = new Set(whole.required ?? []);
    return names.map((name) => this.field(name, whole.properties[name], slotOf(slot, name, names), required.has(name), depth));
  }

  field(name, schema, slot, required, depth) {
    const whole = this.model.resolve(schema);
    if (whole.type === 'array') return this.list(name, whole, slot, required, depth);
    if (isPart(this.model, schema, whole)) return this.part(name, schema, slot, required, depth);
    const id = `field-${++this.ids}`;
    const input = this.input(schema, whole, slot, id);
    const said = hint(schema, whole);
    if (said) input.setAttribute('aria-describedby', `${id}-hint`);
    if (required) input.setAttribute('aria-required', 'true');
    const label = h('label', {for: id}, name, required ? h('span', {class: 'must', title: 'required'}, '*') : null);
    return h('div', {class: whole.type === 'boolean' ? 'field tick' : 'field'}, label,
      name === 'requestId' ? h('div', {class: 'row'}, input, this.renew(input, slot)) : input,
      said ? h('p', {class: 'help', id: `${id}-hint`}, phrase(said)) : null);
  }

  renew(input, slot) {
    return h('button', {type: 'button', class: 'small', onclick: () => {
      input.value = newId();
      slot.set(input.value);
    }}, 'New');
  }

  part(name, schema, slot, required, depth) {
    const given = slot.get() !== undefined;
    const body = h('div', {class: 'inside'});
    const details = h('details', {class: 'part', open: given || required},
      h('summary', {}, name, required ? h('span', {class: 'must', title: 'required'}, '*') : null,
        h('small', {}, typeOf(this.model, schema).words)), body);
    // Drawn when opened: a message may hold its own kind.
    const draw = () => {
      if (details.open && !body.children.length && depth < DEEPEST) body.append(...this.fields(schema, slot, depth + 1));
    };
    details.addEventListener('toggle', draw);
    draw();
    return details;
  }

  list(name, schema, slot, required, depth) {
    const items = h('div', {class: 'inside'});
    const element = h('fieldset', {class: 'list'},
      h('legend', {}, name, required ? h('span', {class: 'must', title: 'required'}, '*') : null), items);
    const draw = () => {
      const values = slot.get() ?? [];
      items.replaceChildren(
        ...values.map((_, i) => h('div', {class: 'item'}, this.item(schema.items, itemOf(slot, i), `${name} ${i + 1}`, depth),
          h('button', {type: 'button', class: 'small', 'aria-label': `Take ${name} ${i + 1} out`, onclick: () => {
            const left = slot.get().filter((__, j) => j !== i);
            slot.set(left.length ? left : undefined);
            draw();
          }}, '×'))),
        h('button', {type: 'button', class: 'small', onclick: () => {
          slot.set([...(slot.get() ?? []), emptyOf(this.model, schema.items)]);
          draw();
        }}, `Add ${values.length ? 'another' : 'one'}`));
    };
    draw();
    return element;
  }

  item(schema, slot, label, depth) {
    const whole = this.model.resolve(schema);
    if (isPart(this.model, schema, whole)) {
      return h('div', {class: 'inside', role: 'group', 'aria-label': label}, this.fields(schema, slot, depth + 1));
    }
    const input = this.input(schema, whole, slot, `field-${++this.ids}`);
    input.setAttribute('aria-label', label);
    return input;
  }

  // One input for a value that is written in one piece.
  input(schema, whole, slot, id) {
    const value = slot.get();
    const name = this.model.nameOf(schema);
    const put = (make) => ({oninput: ({target}) => slot.set(target.value === '' ? undefined : make(target.value))});
    if (whole.enum) {
      const select = h('select', {id, ...put((text) => text)}, h('option', {value: ''}, '—'),
        whole.enum.map((each) => h('option', {value: each}, each)));
      select.value = value ?? '';
      return select;
    }
    if (whole.type === 'boolean') {
      const box = h('input', {id, type: 'checkbox', oninput: ({target}) => slot.set(target.checked || undefined)});
      box.checked = value === true;
      return box;
    }
    if (name === 'google.type.Date') return withValue(h('input', {id, type: 'date', min: '1990-01-01', max: '2199-12-31', ...put(dateOf)}), dayOf(value));
    if (name === 'google.type.Money') return withValue(h('input', {id, type: 'text', inputmode: 'decimal', pattern: '-?[0-9]+([.][0-9]{1,2})?', placeholder: 'tenge', ...put(sumOf)}), tengeOf(value));
    if (whole.type === 'integer') {
      return withValue(h('input', {id, type: 'number', step: '1', ...put(Number), ...bounds(whole)}), value);
    }
    if (whole.type !== 'string') return withValue(h('textarea', {id, rows: '3', ...put(anyOf)}), value && JSON.stringify(value));
    if ((whole.maxLength ?? 0) > 1000) return withValue(h('textarea', {id, rows: '3', ...put((text) => text)}), value);
    return withValue(h('input', {id, type: 'text', autocomplete: 'off', spellcheck: 'false', ...put((text) => text),
      pattern: whole.pattern?.replace(/^\^|\$$/g, ''), placeholder: placeholder(name, whole)}), value);
  }
}

export const newId = () => crypto.randomUUID?.() ?? fromRandom();

// Where the page came without TLS from another machine, browsers have no randomUUID.
function fromRandom() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  return [...bytes].map((byte, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('');
}

function withValue(input, value) {
  if (value !== undefined && value !== null) input.value = value;
  return input;
}

const WRITTEN_WHOLE = ['google.type.Date', 'google.type.Money'];

function isPart(model, schema, whole) {
  return Boolean(whole.properties) && !WRITTEN_WHOLE.includes(model.nameOf(schema)) && !('@type' in whole.properties);
}

function emptyOf(model, schema) {
  const whole = model.resolve(schema);
  return isPart(model, schema, whole) ? {} : whole.enum ? whole.enum[0] : '';
}

function hint(schema, whole) {
  const text = schema.description ?? (whole.enum ? '' : whole.description) ?? '';
  return text.split('\n\n')[0];
}

function bounds(whole) {
  return {min: whole.minimum?.toString(), max: whole.maximum?.toString()};
}

function placeholder(name, whole) {
  if (name === 'google.protobuf.Timestamp') return '2026-01-31T09:30:00Z';
  if (name === 'google.protobuf.FieldMask') return 'titleRu,note';
  return whole.format === 'uuid' ? 'made when the call is sent' : undefined;
}

function dateOf(text) {
  const [year, month, day] = text.split('-').map(Number);
  return {year, month, day};
}

function dayOf(date) {
  return date && [String(date.year).padStart(4, '0'), String(date.month).padStart(2, '0'), String(date.day).padStart(2, '0')].join('-');
}

function sumOf(text) {
  const [whole, tiyn = ''] = text.trim().split('.');
  const nanos = Number(tiyn.padEnd(2, '0').slice(0, 2)) * 10000000 * (whole.startsWith('-') ? -1 : 1);
  return {currencyCode: 'KZT', ...(Number(whole) ? {units: whole} : {}), ...(nanos ? {nanos} : {})};
}

function tengeOf(money) {
  if (!money) return undefined;
  const tiyn = Math.abs(money.nanos ?? 0) / 10000000;
  const sign = !money.units && (money.nanos ?? 0) < 0 ? '-' : '';
  return `${sign}${money.units ?? '0'}${tiyn ? `.${String(tiyn).padStart(2, '0')}` : ''}`;
}

function anyOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
