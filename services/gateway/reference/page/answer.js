// What came back.
import {coloured, copyButton, h} from './dom.js';

const SHOWN = 200;  // messages of a stream

export class Answer {
  constructor() {
    this.element = h('section', {class: 'answer', 'aria-live': 'polite', 'aria-label': 'Answer'});
  }

  begin(onStop) {
    this.messages = [];
    this.count = 0;
    this.started = performance.now();
    this.line = h('p', {class: 'status'}, 'Asking … ', h('button', {type: 'button', class: 'small', onclick: onStop}, 'Stop'));
    this.body = h('div');
    this.element.replaceChildren(h('h3', {}, 'Answer'), this.line, this.body);
  }

  add(message, isStream) {
    ++this.count;
    if (this.messages.push(message) > SHOWN) this.messages.shift();
    if (!isStream) this.body.append(coloured(JSON.stringify(message, null, 2)));
    else this.body.append(h('details', {open: this.count === 1}, h('summary', {}, `Message ${this.count}`),
      coloured(JSON.stringify(message, null, 2))));
    if (isStream && this.body.children.length > SHOWN) this.body.firstChild.remove();
  }

  end({status, headers, size, error}, isStream) {
    const ms = Math.round(performance.now() - this.started);
    this.line.replaceChildren(h('span', {},
      h('strong', {class: error ? 'bad' : 'good'}, error ? `${status} ${error.code}` : `${status} done`),
      ` · ${ms} ms · ${sizeOf(size)}`, isStream ? ` · ${this.count} ${this.count === 1 ? 'message' : 'messages'}` : '',
      error || !this.count ? '' : [' ', copyButton(() => JSON.stringify(isStream ? this.messages : this.messages[0], null, 2))]));
    if (error) this.body.prepend(refusal(error));
    this.element.append(h('details', {class: 'headers'}, h('summary', {}, 'Headers'),
      h('dl', {class: 'facts'}, headers.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))));
    this.element.scrollIntoView({block: 'nearest'});
  }

  fail(words) {
    this.line.replaceChildren(h('strong', {class: 'bad'}, words));
  }
}

function sizeOf(bytes) {
  return bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} KiB`;
}

function refusal(error) {
  // What it carries, by the last part of its type; the gateway gives the JSON of each beside its bytes.
  const {ErrorInfo, LegalBasis, BadRequest, PreconditionFailure, QuotaFailure, ResourceInfo, RetryInfo, RequestInfo} =
    Object.fromEntries((error.details ?? []).map(({type, debug}) => [type.split('.').pop(), debug]));
  const facts = [
    ['Wrong fields', list(BadRequest?.fieldViolations, (each) => [h('code', {}, each.field || 'the request'), ' ', each.description])],
    ['Not met', list(PreconditionFailure?.violations, (each) => [h('code', {}, each.subject || each.type), ' ', each.description])],
    ['Limit', list(QuotaFailure?.violations, (each) => [each.subject, ' ', each.description])],
    ['Record', ResourceInfo && h('code', {}, ResourceInfo.resourceName || ResourceInfo.resourceType)],
    ['More', list(Object.entries(ErrorInfo?.metadata ?? {}), ([key, value]) => [h('code', {}, key), ' ', value])],
    ['Try again', RetryInfo && `after ${RetryInfo.retryDelay}`],
    ['To quote', RequestInfo && h('code', {}, RequestInfo.requestId)],
  ];
  return h('div', {class: 'refusal', role: 'alert'},
    h('p', {class: 'reason'}, h('code', {}, ErrorInfo?.reason ?? error.code)),
    h('p', {}, error.message ?? ''),
    LegalBasis ? h('blockquote', {}, h('strong', {}, LegalBasis.article), ' ', LegalBasis.summary,
      h('footer', {}, LegalBasis.act)) : null,
    h('dl', {class: 'facts'}, facts.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    h('details', {}, h('summary', {}, 'As it came'), coloured(JSON.stringify(error, null, 2))));
}

function list(items, drawn) {
  return items?.length ? h('ul', {}, items.map((each) => h('li', {}, drawn(each)))) : null;
}
