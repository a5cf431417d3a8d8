// Who calls: a token that lives in this page's memory and nowhere else.
import {h, phrase} from './dom.js';

export class Session {
  #token = '';

  constructor() {
    this.listeners = [];
    this.panel = document.getElementById('session');
    this.button = document.getElementById('who');
    this.button.addEventListener('click', () => this.show(this.panel.hidden));
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !this.panel.hidden) this.show(false);
    });
    this.draw();
  }

  get token() { return this.#token; }
  get claims() { return claimsOf(this.#token); }
  onChange(listener) { this.listeners.push(listener); }

  show(open) {
    this.panel.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
    (open ? this.panel.querySelector('input') : this.button)?.focus();
  }

  use(text) {
    this.#token = text.trim().replace(/^Bearer\s+/i, '');
    this.draw();
    this.listeners.forEach((listener) => listener());
  }

  draw() {
    const claims = this.claims;
    this.button.textContent = !this.#token ? 'Sign in' : claims?.sub ?? 'Signed in';
    this.button.classList.toggle('on', Boolean(this.#token));
    const input = h('input', {id: 'token', type: 'password', autocomplete: 'off', spellcheck: 'false'});
    input.value = this.#token;
    const use = (event) => {
      event.preventDefault();
      this.use(input.value);
      if (this.#token) this.show(false);
    };
    this.panel.replaceChildren(
      h('div', {class: 'inside'},
        h('form', {class: 'row', onsubmit: use},
          h('label', {for: 'token'}, 'Token'), input,
          h('button', {type: 'submit', class: 'main'}, 'Use'),
          h('button', {type: 'button', onclick: () => { this.use(''); this.show(true); }, disabled: !this.#token}, 'Forget')),
        h('p', {class: 'help'}, phrase('It is sent with the calls of this page and kept in its memory only: it is gone when the ' +
          'page is reloaded or closed. For a suite on your own machine: `nisi token --role auditor`. What everybody may call ' +
          'needs none.')),
        claims ? this.described(claims) : this.#token ? h('p', {class: 'help warn'}, 'This does not look like a signed token.') : null));
  }

  described(claims) {
    const rows = [['Subject', claims.sub], ['Roles', (claims.roles ?? []).join(', ')], ['BIN', claims.bin],
      ['Regions', (claims.regions ?? []).join(', ')], ['Good until', claims.exp && new Date(claims.exp * 1000).toLocaleString()]];
    return h('dl', {class: 'facts'}, rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
  }
}

// What a token says of itself; whether it is true is for the gateway to find.
function claimsOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
