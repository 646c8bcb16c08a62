// The leaders' clocks: what each showed when, and where things are when the lanes are
// drawn by them.

const clockOf = (r, laneIndex) => r.clocks.find((c) => c.lane === laneIndex);

// offsetAt is how far a leader's clock is off, and the error that it claims.
function offsetAt(r, laneIndex, t) {
  const c = clockOf(r, laneIndex);
  if (!c || c.at.length === 0) return { offset: 0, error: 0 };
  const i = Math.max(0, upTo(c.at, t, (x) => x) - 1);
  const j = Math.min(i + 1, c.at.length - 1);
  const span = c.at[j] - c.at[i];
  const share = span > 0 && t > c.at[i] ? Math.min(1, (t - c.at[i]) / span) : 0;
  return { offset: c.offset[i] + share * (c.offset[j] - c.offset[i]), error: c.error[i] };
}

// placed is where something at a leader is on the axis: at its true time, or at what the
// leader's clock showed.
function placed(r, laneIndex, t) {
  return state.byClocks && lane(laneIndex).leader ? t + offsetAt(r, laneIndex, t).offset : t;
}

// ends is where a message begins and ends. A client has no clock: it goes by that of the
// leader that it talks to.
function ends(r, m) {
  const clock = m.kind === 'request' ? m.to : m.from;
  const from = lane(m.from).leader ? m.from : clock;
  const to = lane(m.to).leader ? m.to : clock;
  return [placed(r, from, m.sent), m.arrives === never ? never : placed(r, to, m.arrives)];
}

// ruler is the marks of a leader's clock in a stretch of true time, step apart as the clock
// shows it, with the true time of each; and the jumps of the clock in it.
function ruler(r, laneIndex, t0, t1, step) {
  const c = clockOf(r, laneIndex);
  if (!c || c.at.length === 0) return { marks: [], jumps: [] };
  const marks = [];
  const jumps = [];
  const at = [...c.at, Math.max(t1, c.at[c.at.length - 1])];
  const offset = [...c.offset, c.offset[c.offset.length - 1]];
  for (let i = Math.max(0, upTo(c.at, t0, (x) => x) - 1); i < c.at.length && at[i] <= t1 && marks.length < 200; i++) {
    const shows = [at[i] + offset[i], at[i + 1] + offset[i + 1]];
    const jump = i > 0 ? offset[i] - offset[i - 1] : 0;
    if (at[i] >= t0 && i > 0 && at[i] - at[i - 1] <= 1 && Math.abs(jump) > 1) jumps.push({ at: at[i], by: jump });
    if (shows[1] - shows[0] < 2) continue; // it stands still
    const from = Math.max(at[i], t0);
    const first = Math.ceil((from + offset[i]) / step - 1e-9) * step;
    for (let shown = first; shown <= shows[1] && marks.length < 200; shown += step) {
      const t = at[i] + ((shown - shows[0]) * (at[i + 1] - at[i])) / (shows[1] - shows[0]);
      if (t > t1) break;
      marks.push({ at: t, shows: shown, error: c.error[Math.min(i, c.error.length - 1)] });
    }
  }
  return { marks, jumps };
}
