// What the story says at a moment, and who had been shown whom. The state of the page is
// here too: everything that is drawn follows from it.

let story;

const state = {
  run: 0, // the run in the diagram
  view: [0, 1], // on the axis
  moment: 0, // true time
  selected: none, // an op of the run
  peeked: none, // the op under the pointer
  byClocks: false,
  collapse: true,
  clients: true, // whether requests and replies are drawn
};

const watchers = [];

// update changes the state and draws what follows from it.
function update(change) {
  Object.assign(state, change);
  for (const watch of watchers) watch(change);
}

const run = () => story.runs[state.run];
const lane = (i) => story.lanes[i];

// upTo is how many of a list, sorted by a time, are not after t.
function upTo(list, t, at) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(list[middle]) <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

// prepare indexes a run: readings by lane and key, acknowledgements in order, losses by op.
function prepare(r) {
  r.shows = new Map();
  for (const x of r.readings) {
    const at = x.lane * story.keys.length + x.key;
    if (!r.shows.has(at)) r.shows.set(at, []);
    r.shows.get(at).push(x);
  }
  const acked = new Map();
  for (const o of r.ops) {
    if (o.acked !== never && !(acked.get(o.label) <= o.acked)) acked.set(o.label, o.acked);
  }
  r.acks = [...acked.values()].sort((a, b) => a - b);
  for (const l of r.losses) r.ops[l.op].loss = l;
  r.longest = r.messages.reduce((n, m) => Math.max(n, m.arrives - m.sent), 0);
}

// shownAt is what a leader shows of a key at a moment: its values, and the ops behind them.
function shownAt(r, laneIndex, key, t) {
  const list = r.shows.get(laneIndex * story.keys.length + key) || [];
  const x = list[upTo(list, t, (y) => y.at) - 1];
  if (!x) return { values: [], ops: [] };
  if (x.text) return { values: x.text.split(' | '), ops: x.ops };
  return { values: x.ops.filter((i) => !r.ops[i].delete).map((i) => r.ops[i].value), ops: x.ops };
}

// downAt says why a leader does not run at a moment, if it does not.
function downAt(r, laneIndex, t) {
  const band = r.bands.find((b) => (b.kind === 'down' || b.kind === 'wiped') && b.from <= t && t < b.to && b.lanes.includes(laneIndex));
  return band && t < r.end ? band.words : '';
}

// countsAt is what the run has come to by a moment; at the end it is the run's counts.
function countsAt(r, t) {
  if (t >= r.end) return { ...r.counts, survivors: survivors(r, t).size };
  const c = { acked: upTo(r.acks, t, (a) => a), lost: 0, inverted: 0, concurrent: 0, durability: 0, resurrected: 0, unrelated: 0, siblings: 0 };
  c.lost = upTo(r.losses, t, (l) => l.at);
  for (let i = 0; i < c.lost; i++) c[r.losses[i].class]++;
  c.accounted = c.acked - c.lost;
  c.survivors = survivors(r, t, (values) => { c.siblings = Math.max(c.siblings, values.length); }).size;
  return c;
}

function survivors(r, t, each) {
  const all = new Set();
  story.lanes.forEach((l, i) => {
    if (!l.leader || downAt(r, i, t)) return;
    story.keys.forEach((_, k) => {
      const shown = shownAt(r, i, k, t);
      shown.ops.forEach((o) => all.add(o));
      if (each) each(shown.values);
    });
  });
  return all;
}

// past is every op that the op's author had been shown, and theirs.
function past(r, op) {
  return reach(op, (i) => r.ops[i].over);
}

// future is every op whose author had been shown this one.
function future(r, op) {
  if (!r.children) {
    r.children = r.ops.map(() => []);
    r.ops.forEach((o, i) => o.over.forEach((p) => r.children[p].push(i)));
  }
  return reach(op, (i) => r.children[i]);
}

function reach(from, next) {
  const seen = new Set();
  const todo = [...next(from)];
  while (todo.length) {
    const i = todo.pop();
    if (seen.has(i)) continue;
    seen.add(i);
    todo.push(...next(i));
  }
  return seen;
}

// describe is an op in one sentence, for those who cannot see the diagram.
function describe(r, i) {
  const o = r.ops[i];
  const told = o.acked === never ? 'never acknowledged' : 'acknowledged';
  const fate = o.loss ? `, lost (${o.loss.class})${o.loss.by === none ? '' : ' to ' + r.ops[o.loss.by].label}` : '';
  return `${o.label}: ${o.words}, accepted by ${lane(o.leader).name} at ${seconds(o.at)}, ${told}${fate}`;
}
