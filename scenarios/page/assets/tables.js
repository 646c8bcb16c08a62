// Tables that say what the diagram draws.

const maxRows = 200;
const lossRows = 20;

function drawWrites(box) {
  const r = run();
  const list = scene.ops.slice(0, maxRows);
  const rows = list.map((o) => [seconds(o.at), opButton(r, o.index), o.client === none ? '' : lane(o.client).name, lane(o.leader).name, o.words, o.delete ? 'deleted' : o.value,
    o.over.map((p) => r.ops[p].label).join(', ') || '–', o.loss ? `lost (${o.loss.class})` : o.acked === never ? 'not acknowledged' : 'acknowledged']);
  replace(box, table('Writes in view', ['true time', 'update', 'client', 'leader', 'asked', 'writes', 'over', 'fate'], rows), left(scene.ops.length));
}

function drawMessages(box) {
  const r = run();
  const list = scene.messages.slice(0, maxRows);
  const rows = list.map((m) => [seconds(m.sent), m.kind, lane(m.from).name, lane(m.to).name, m.op === none ? m.words : r.ops[m.op].label,
    m.arrives === never ? 'lost' : seconds(m.arrives), backwards(r, m) ? 'yes' : '']);
  replace(box, table('Messages in view', ['sent', 'kind', 'from', 'to', 'about', 'arrives', 'backwards by clocks'], rows), left(scene.messages.length));
}

function drawTroubles(box) {
  const rows = run().bands.slice(0, maxRows).map((b) => [seconds(b.from), b.kind === 'event' ? 'at once' : `until ${seconds(b.to)}`, b.lanes.length ? b.lanes.map((i) => lane(i).name).join(', ') : 'all', b.words]);
  replace(box, table('Faults and what was done', ['from', 'until', 'where', 'what'], rows), left(run().bands.length));
}

function left(n) {
  return n > maxRows && h('p', {}, `The first ${maxRows} of ${n.toLocaleString('en')} are listed; look closer to list the others.`);
}

function drawLosses(box) {
  const r = run();
  const from = Math.min(state.firstLoss || 0, Math.max(0, r.losses.length - 1));
  const list = r.losses.slice(from, from + lossRows);
  const rows = list.map((l) => [opButton(r, l.op), l.class, l.by === none ? '–' : opButton(r, l.by), l.lane === none ? '–' : lane(l.lane).name, h('span', { class: 'nowrap' }, seconds(l.at)), story.keys[r.ops[l.op].key], l.why]);
  if (!r.losses.length) return replace(box, h('p', {}, `Nothing is lost under ${r.name}.`));
  const pager = r.losses.length > lossRows && h('p', { class: 'pager' },
    button('‹ earlier', () => update({ firstLoss: Math.max(0, from - lossRows) }), { disabled: from === 0, 'aria-label': 'earlier losses' }),
    ` ${from + 1}–${from + list.length} of ${r.losses.length.toLocaleString('en')} `,
    button('later ›', () => update({ firstLoss: from + lossRows }), { disabled: from + lossRows >= r.losses.length, 'aria-label': 'later losses' }));
  return replace(box, table(`Lost under ${r.name}`, ['update', 'class', 'to', 'first at', 'true time', 'key', 'what decided'], rows, { class: 'losses' }), pager);
}
