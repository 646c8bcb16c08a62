// What is known of one write: beside the diagram, for the one that is selected or under the
// pointer.

function drawDetail(panel) {
  const r = run();
  const op = state.peeked === none ? state.selected : state.peeked;
  if (op === none) {
    return replace(panel, h('h3', {}, 'Nothing selected'), h('p', {}, 'Point at a write, or click one to keep it here. A lost one shows what beat it.'));
  }
  const o = r.ops[op];
  return replace(panel, h('h3', {}, `${o.label}`, o.loss && h('span', { class: 'badge lost' }, `lost: ${o.loss.class}`), !o.loss && o.acked === never && h('span', { class: 'badge' }, 'never acknowledged')),
    facts(r, o), o.loss && lossStory(r, o), !o.loss && stamps([o], ['this write']), relatives(r, op));
}

function facts(r, o) {
  const cell = (name, ...value) => [h('dt', {}, name), h('dd', {}, value)];
  return h('dl', {}, cell('asked', o.client === none ? o.words : `${lane(o.client).name}: ${o.words}`),
    cell('writes', o.delete ? 'a deletion' : h('code', {}, o.value === '' ? '""' : o.value)),
    cell('accepted', `${lane(o.leader).name}, ${seconds(o.at)} true time`),
    cell('told durable', o.acked === never ? 'never' : seconds(o.acked)),
    cell('dot', h('code', {}, o.dot || 'not known')),
    cell('had been shown', o.over.length ? o.over.map((p) => opButton(r, p)) : 'nothing of this key'));
}

const opButton = (r, i) => button(r.ops[i].label, () => select(i), { class: 'link', 'aria-label': `select ${describe(r, i)}` });

function lossStory(r, o) {
  const l = o.loss;
  const winner = l.by === none ? null : r.ops[l.by];
  const where = l.lane === none ? 'no leader recorded it' : `first at ${lane(l.lane).name}, ${seconds(l.at)}`;
  const said = { inverted: 'It lost to something that its author had been shown: the order of the stamps is not the order of events.', concurrent: 'Neither author had been shown the other write; the rule keeps one of them.', durability: 'Nothing beat it, and it is gone.', resurrected: 'It is a deletion that something older undid.', unrelated: 'What its author went over nobody observed.' }[l.class];
  return h('div', { class: 'loss' }, h('p', {}, said),
    winner && h('p', {}, 'Beaten by ', opButton(r, l.by), `, ${where}.`, l.left !== none && l.left !== l.by && [' In the end ', opButton(r, l.left), ' stands in its place.']),
    winner && stamps([o, winner], [`${o.label} (lost)`, `${winner.label} (kept)`]),
    l.why && h('p', { class: 'why' }, l.why), avoidable(l));
}

// avoidable says until when the loss could still have been avoided, and goes there.
function avoidable(l) {
  if (!l.avoid) return null;
  return h('p', { class: 'avoid' }, `${l.avoid}. `, l.until !== never && button('go there', () => moveTo(l.until), { class: 'link', 'aria-label': `go to the last moment at which the loss could be avoided, ${seconds(l.until)}` }));
}

// stamps compares the three stamps of writes, which is what rules decide by.
function stamps(ops, names) {
  const wall = (o) => (o.walled ? `${seconds((o.earliest + o.latest) / 2)} ±${duration((o.latest - o.earliest) / 2)}` : 'not known');
  const off = (o) => (o.walled ? signed((o.earliest + o.latest) / 2 - o.at) : '');
  const rows = [['true time', ...ops.map((o) => seconds(o.at))], ['wall clock', ...ops.map(wall)], ['clock was off', ...ops.map(off)],
    ['hlc', ...ops.map((o) => (o.logical ? `${seconds(o.hlc)} + ${o.count}` : 'not known'))], ['lamport', ...ops.map((o) => (o.logical ? String(o.lamport) : 'not known'))]];
  if (!ops.some((o) => o.logical)) rows.length = 3;
  if (!ops.some((o) => o.walled)) rows.splice(1, 2);
  if (ops.length > 1) rows.forEach((row) => row.push(later(row[0], ops)));
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'stamps' },
    table('Stamps', ['', ...names, ...(ops.length > 1 ? ['later'] : [])], rows, { class: 'stamps' }));
}

// later is which of two writes a stamp puts behind the other.
function later(stamp, [a, b]) {
  const compare = { 'true time': () => a.at - b.at, 'wall clock': () => a.earliest + a.latest - b.earliest - b.latest, hlc: () => a.hlc - b.hlc || a.count - b.count, lamport: () => a.lamport - b.lamport }[stamp];
  if (!compare || (stamp !== 'true time' && !(a.walled && b.walled))) return '';
  const d = compare();
  return d === 0 ? 'equal' : d > 0 ? a.label : b.label;
}

function relatives(r, op) {
  const [before, after] = [past(r, op).size, future(r, op).size];
  return h('p', { class: 'relatives' }, h('span', { class: 'key past' }), count(before, 'write'), ' in its causal past; ', h('span', { class: 'key future' }), count(after, 'write'), ' in its future.');
}
