// The services with their methods, found by text and by who may call.
import {h} from './dom.js';
import {hrefOf, mayCall} from './model.js';
import {Search} from './search.js';

export class Sidebar {
  constructor(model) {
    this.model = model;
    this.search = new Search(model);
    this.input = document.getElementById('search');
    this.role = document.getElementById('role');
    this.list = document.getElementById('list');
    this.found = document.getElementById('found');
    this.role.append(h('option', {value: ''}, 'anybody'), ...Object.keys(model.roles).map((role) =>
      h('option', {value: role}, role === 'public' ? 'everybody, not signed in' : role)));
    this.input.addEventListener('input', () => this.draw());
    this.role.addEventListener('change', () => this.draw());
    document.getElementById('side').addEventListener('keydown', (event) => this.onKey(event));
    document.addEventListener('keydown', (event) => {
      if (event.key === '/' && !event.target.closest('input, textarea, select')) {
        event.preventDefault();
        this.open(true);
        this.input.focus();
        this.input.select();
      }
    });
    this.menu = document.getElementById('menu');
    this.menu.addEventListener('click', () => this.open(!document.body.classList.contains('menu-open')));
    this.draw();
  }

  // On a narrow screen the list lies over the page.
  open(open) {
    document.body.classList.toggle('menu-open', open);
    this.menu.setAttribute('aria-expanded', String(open));
  }

  draw() {
    const text = this.input.value.trim();
    const methods = this.search.find(text).filter((method) => !this.role.value || mayCall(method, this.role.value));
    const filtered = Boolean(text || this.role.value);
    this.found.textContent = methods.length === 1 ? '1 method' : `${methods.length} methods`;
    // Found ones in order of fit; otherwise by service.
    this.list.replaceChildren(...(text ? [this.items(methods, true)] : this.groups(methods, filtered)));
    if (!methods.length) this.list.append(h('p', {class: 'help'}, 'Nothing is found. Fewer or other words may help.'));
    this.mark();
  }

  groups(methods, filtered) {
    return this.model.services.map((service) => {
      const own = methods.filter((method) => method.service === service);
      if (!own.length) return '';
      const group = h('details', {open: filtered && methods.length < 40, 'data-service': service.name},
        h('summary', {}, h('span', {}, service.title), h('span', {class: 'count'}, String(own.length))),
        h('a', {class: 'about', href: `#/${service.name}`}, 'About this service'), this.items(own, false));
      return group;
    }).filter(Boolean);
  }

  items(methods, withService) {
    return h('ul', {class: 'methods'}, methods.map((method) => h('li', {},
      h('a', {href: hrefOf(method), 'data-path': method.path},
        h('span', {class: `dot ${method.mutation ? 'changes' : 'reads'}`, title: method.mutation ? 'changes the register' : 'reads'}),
        h('span', {class: 'name'}, method.name, withService ? h('small', {}, method.service.title) : null),
        method.kind === 'unary' ? null : h('span', {class: 'tag'}, 'stream')))));
  }

  // Shows where the reader is.
  mark(place = this.place) {
    this.place = place;
    for (const link of this.list.querySelectorAll('[aria-current]')) link.removeAttribute('aria-current');
    if (!place?.service) return;
    const group = this.list.querySelector(`details[data-service="${place.service.name}"]`);
    if (group) group.open = true;
    const link = place.method ? this.list.querySelector(`a[data-path="${place.method.path}"]`)
      : group?.querySelector('.about');
    link?.setAttribute('aria-current', 'page');
    if (link && !isSeen(link, this.list.parentElement)) link.scrollIntoView({block: 'center'});
  }

  onKey(event) {
    if (event.key === 'Escape' && event.target === this.input && this.input.value) {
      this.input.value = '';
      this.draw();
    } else if (event.key === 'Escape') {
      this.open(false);
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp' && !(event.key === 'Enter' && event.target === this.input)) return;
    if (event.target === this.role) return;
    const stops = [this.input, ...this.list.querySelectorAll('summary, details[open] a, ul:not(details ul) a')];
    if (event.key === 'Enter') {
      stops[1]?.click();
      return;
    }
    const at = stops.indexOf(event.target);
    const next = stops[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (at >= 0 && next) {
      event.preventDefault();
      next.focus();
    }
  }
}

function isSeen(element, within) {
  const [inner, outer] = [element.getBoundingClientRect(), within.getBoundingClientRect()];
  return inner.top > outer.top + 200 && inner.bottom < outer.bottom;
}
