// The whole run in one strip: what happens when, where losses are, and what part of it the
// diagram shows. Dragging chooses another part.

const stripHeight = 46;

function drawOverview(strip) {
  const width = strip.clientWidth || 600;
  const r = run();
  const axis = axisOf(r);
  const x = (u) => (u / axis.end) * width;
  const every = 3;
  const here = new Float64Array(Math.ceil(width / every) + 1);
  const put = (t) => {
    const i = Math.floor(x(toAxis(axis, t)) / every);
    if (i >= 0 && i < here.length) here[i]++;
  };
  for (const o of r.ops) put(placed(r, o.leader, o.at));
  for (const m of r.messages) if (m.arrives !== never) put(ends(r, m)[1]);
  const most = Math.max(1, ...here);
  strip.setAttribute('viewBox', `0 0 ${width} ${stripHeight}`);
  replace(strip,
    axis.stretches.map((q) => s('rect', { class: 'quiet', x: x(q.u0), y: 0, width: x(q.u1) - x(q.u0), height: stripHeight })),
    [...here].map((n, i) => n > 0 && s('rect', { class: 'here', x: i * every, width: every - 1, y: stripHeight - 10 - (n / most) * 30, height: (n / most) * 30 + 1 })),
    r.losses.slice(0, 4000).map((l) => s('rect', { class: 'lost', x: x(toAxis(axis, placed(r, l.lane === none ? 0 : l.lane, l.at))) - 0.5, y: stripHeight - 8, width: 1.5, height: 8 })),
    s('rect', { class: 'brush', y: 0.5, height: stripHeight - 1 }), s('line', { class: 'moment', y1: 0, y2: stripHeight }));
  placeBrush(strip);
}

function placeBrush(strip) {
  const axis = axisOf(run());
  const width = strip.clientWidth || 600;
  const brush = strip.querySelector('.brush');
  if (!brush) return;
  const [a, b] = state.view.map((u) => (u / axis.end) * width);
  brush.setAttribute('x', a);
  brush.setAttribute('width', Math.max(3, b - a));
  const at = (toAxis(axis, state.moment) / axis.end) * width;
  const line = strip.querySelector('.moment');
  line.setAttribute('x1', at);
  line.setAttribute('x2', at);
}

// brushing lets a pointer choose what is in view.
function brushing(strip) {
  let from = null;
  const at = (e) => ((e.clientX - strip.getBoundingClientRect().left) / strip.clientWidth) * axisOf(run()).end;
  strip.addEventListener('pointerdown', (e) => {
    from = at(e);
    strip.setPointerCapture(e.pointerId);
  });
  strip.addEventListener('pointermove', (e) => {
    if (from === null) return;
    const to = at(e);
    if (Math.abs(to - from) > axisOf(run()).end / 200) look(Math.min(from, to), Math.max(from, to));
  });
  strip.addEventListener('pointerup', (e) => {
    if (from === null) return;
    const to = at(e);
    const half = (state.view[1] - state.view[0]) / 2;
    if (Math.abs(to - from) <= axisOf(run()).end / 200) look(to - half, to + half);
    from = null;
  });
}

// look shows a part of the axis, as far as there is any.
function look(a, b) {
  const { end, scale } = axisOf(run());
  const width = Math.min(end * 1.04, Math.max(b - a, 2000 * scale)); // two microseconds
  const middle = Math.max(width / 2 - end * 0.02, Math.min(end * 1.02 - width / 2, (a + b) / 2));
  update({ view: [middle - width / 2, middle + width / 2] });
}

function zoom(factor, around) {
  const [a, b] = state.view;
  const at = around === undefined ? (a + b) / 2 : around;
  look(at - (at - a) * factor, at + (b - at) * factor);
}
