// Trying a call: the request as a form or as JSON, the answer, and the same call to copy.
import {Answer} from './answer.js';
import {call} from './call.js';
import {curlOf, linkOf, nisiOf} from './commands.js';
import {copyButton, h} from './dom.js';
import {Form, newId} from './form.js';
import {isPublic} from './model.js';

export class Trial {
  constructor(model, session, method) {
    this.model = model;
    this.session = session;
    this.method = method;
    // A stream of requests is a list of messages, the first of them the header of an import.
    this.sendsMany = method.kind === 'client stream' || method.kind === 'stream';
    this.value = this.example();
    this.refreshId();
    this.text = h('textarea', {id: 'json', class: 'code', rows: '12', spellcheck: 'false', 'aria-describedby': 'json-problem',
      oninput: () => this.onText(), onkeydown: (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.send(); }});
    this.problem = h('p', {class: 'help warn', id: 'json-problem', role: 'status'});
    this.answer = new Answer();
    this.commands = h('div', {class: 'commands'});
    this.chosen = 'curl';
    this.element = h('section', {class: 'trial', 'aria-labelledby': 'try-it'},
      h('h2', {id: 'try-it'}, 'Try it'), this.notice = h('p', {class: 'notice', role: 'note'}), this.processChoice(), this.editor(),
      h('div', {class: 'row send'}, this.button = h('button', {type: 'button', class: 'main', onclick: () => this.send()}, 'Send'),
        h('button', {type: 'button', onclick: () => this.reset()}, 'Example')),
      this.commands, this.answer.element);
    this.onToken();
    this.show();
  }

  processChoice() {
    const {processes} = this.method.service;
    if (!processes.length) return null;
    this.process = processes[0];
    return h('div', {class: 'field'}, h('label', {for: 'process'}, 'Process meant'),
      h('select', {id: 'process', onchange: ({target}) => { this.process = target.value; this.show(); }},
        processes.map((name) => h('option', {value: name}, name))));
  }

  editor() {
    const json = h('div', {class: 'pane'}, h('label', {for: 'json'}, this.sendsMany ? 'Messages, in order, as JSON' : 'Request as JSON'),
      this.text, this.problem);
    if (this.sendsMany) return json;
    this.form = new Form(this.model, this.method.request, {get: () => this.value, set: (value) => {
      this.value = value;
      this.show();
    }});
    const form = h('div', {class: 'pane'}, this.form.element);
    const panes = {Form: form, JSON: json};
    const buttons = Object.keys(panes).map((name) => h('button', {type: 'button', 'aria-pressed': String(name === 'Form'),
      onclick: () => {
        for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === name));
        for (const [each, pane] of Object.entries(panes)) pane.hidden = each !== name;
        if (name === 'Form') this.form.draw();
      }}, name));
    json.hidden = true;
    return [h('div', {class: 'switch', role: 'group', 'aria-label': 'How to write the request'}, buttons), form, json];
  }

  // What the caller should know before sending.
  onToken() {
    const {method, session} = this;
    const roles = session.claims?.roles;
    const words = [];
    if (!isPublic(method) && !session.token) words.push('Sign in first, by a token or a client certificate: this is not for everybody.');
    else if (!isPublic(method) && roles && !method.roles.some((role) => roles.includes(role))) {
      words.push(`Your token has none of the roles that may call this: ${method.roles.join(', ')}.`);
    }
    if (method.mutation) words.push('This changes the register, here and for all.');
    if (method.discloses) words.push('Confidential fields that are shown by right are recorded with who saw them.');
    this.notice.textContent = words.join(' ');
    this.notice.hidden = !words.length;
    this.drawCommands();
  }

  onText() {
    try {
      const value = JSON.parse(this.text.value);
      if (this.sendsMany !== Array.isArray(value)) throw new Error(this.sendsMany ? 'A list of messages is needed.' : 'An object is needed.');
      this.value = value;
      this.problem.textContent = '';
    } catch (error) {
      this.problem.textContent = error.message;
    }
    this.drawCommands();
  }

  // The request as it is now, in JSON and in the commands.
  show() {
    this.text.value = JSON.stringify(this.value ?? {}, null, 2);
    this.problem.textContent = '';
    this.drawCommands();
  }

  example() {
    const {examples} = this.method;
    return structuredClone(this.sendsMany ? examples : examples[0]);
  }

  reset() {
    this.value = this.example();
    this.refreshId();
    this.form?.draw();
    this.show();
  }

  drawCommands() {
    const {method, process, session} = this;
    const told = {method, process, request: this.sendsMany ? this.value[0] : this.value ?? {}, signedIn: Boolean(session.token) || !isPublic(method),
      origin: location.origin};
    const texts = Object.entries({curl: curlOf(told), nisi: nisiOf(told), link: linkOf(told)}).filter(([, text]) => text);
    if (!texts.some(([name]) => name === this.chosen)) this.chosen = texts[0][0];
    const text = texts.find(([name]) => name === this.chosen)[1];
    this.commands.replaceChildren(
      h('div', {class: 'row'}, h('div', {class: 'switch', role: 'group', 'aria-label': 'The same call as'},
        texts.map(([name]) => h('button', {type: 'button', 'aria-pressed': String(name === this.chosen), onclick: () => {
          this.chosen = name;
          this.drawCommands();
          this.commands.querySelector('[aria-pressed="true"]').focus();
        }}, name))), copyButton(() => text, 'Copy')),
      h('pre', {class: 'command', tabindex: '0', 'aria-label': `The call by ${this.chosen}`}, h('code', {}, text)));
  }

  // Where the request id lies.
  holder() {
    const first = this.sendsMany ? this.value?.[0]?.header : this.value;
    return this.method.mutation && first && typeof first === 'object' ? first : null;
  }

  refreshId() {
    const holder = this.holder();
    if (holder) holder.requestId = newId();
  }

  // A call that was not answered is repeated under its own id; one that is another, or was done, gets a new one.
  prepareId() {
    const holder = this.holder();
    if (!holder) return;
    const content = JSON.stringify({...holder, requestId: undefined});
    const sentBefore = this.sent?.id === holder.requestId;
    if (!holder.requestId || (sentBefore && (this.sent.done || this.sent.content !== content))) {
      holder.requestId = newId();
      this.form?.draw();
      this.show();
    }
    this.sent = {id: holder.requestId, content, done: false};
  }

  async send() {
    if (this.problem.textContent) {
      this.text.focus();
      return;
    }
    this.stop?.abort();
    this.prepareId();
    const {method, process, session, answer} = this;
    const stop = this.stop = new AbortController();
    const isStream = method.kind !== 'unary';
    const onMessage = (message) => answer.add(message, isStream);
    this.button.setAttribute('aria-busy', 'true');
    answer.begin(() => stop.abort());
    try {
      const result = await call({method, process, token: session.token, signal: stop.signal, onMessage,
        messages: this.sendsMany ? this.value : [this.value ?? {}]});
      answer.end(result, isStream);
      if (this.sent) this.sent.done = !result.error;
    } catch (error) {
      if (this.stop === stop) answer.fail(stop.signal.aborted ? `Stopped. ${answer.count} received.` : 'Nobody answers: the gateway cannot be reached.');
    } finally {
      if (this.stop === stop) this.button.removeAttribute('aria-busy');
    }
  }

  leave() {
    this.stop?.abort();
  }
}
