// Which methods a text is about.

// "CheckGoods" also as "check goods", "goodsCode" and "goods_code" also as "goods code".
function split(text) {
  return text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/_/g, ' ');
}

function fieldNames(model, schema, depth = 0) {
  const whole = model.resolve(schema);
  if (whole.type === 'array') return fieldNames(model, whole.items, depth);
  if (!whole.properties || depth > 2) return [];
  return Object.entries(whole.properties).flatMap(([name, field]) => [name, ...fieldNames(model, field, depth + 1)]);
}

export class Search {
  constructor(model) {
    this.entries = model.services.flatMap((service) => service.methods.map((method) => ({
      method,
      name: `${method.name} ${split(method.name)}`.toLowerCase(),
      close: [method.summary, service.title, service.owner, method.command, method.article].join(' ').toLowerCase(),
      // The rest is read when it is first asked for: it takes most of the time.
      far: null})));
    this.model = model;
  }

  // In order: found by name, by what it does, by what it holds. All terms must be found.
  find(text) {
    const terms = split(text).toLowerCase().split(/\s+/).filter(Boolean);
    if (!terms.length) return this.entries.map((entry) => entry.method);
    const ranked = this.entries.map((entry) => ({method: entry.method, rank: this.rank(entry, terms)}));
    return ranked.filter((each) => each.rank < Infinity).sort((a, b) => a.rank - b.rank).map((each) => each.method);
  }

  rank(entry, terms) {
    let rank = 0;
    for (const term of terms) {
      if (entry.name.startsWith(term)) continue;
      if (entry.name.includes(term)) rank = Math.max(rank, 1);
      else if (entry.close.includes(term)) rank = Math.max(rank, 2);
      else if (this.far(entry).includes(term)) rank = Math.max(rank, 3);
      else return Infinity;
    }
    return rank;
  }

  far(entry) {
    if (entry.far === null) {
      const {method} = entry;
      const fields = [...fieldNames(this.model, method.request), ...fieldNames(this.model, method.answer)];
      entry.far = [method.path, method.about, ...method.reasons.map((each) => each.reason.replace(/_/g, ' ')),
        ...new Set(fields), split([...new Set(fields)].join(' '))].join(' ').toLowerCase();
    }
    return entry.far;
  }
}
