// Times, durations and values for people. Times are nanoseconds.

const units = [[86400e9, 'd'], [3600e9, 'h'], [60e9, 'min'], [1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

// duration is a length of time in the largest unit that it has one of, to four digits.
function duration(ns) {
  const size = Math.abs(ns);
  if (size === 0) return '0';
  const [unit, name] = units.find(([u]) => size >= u) || [1, 'ns'];
  return `${ns < 0 ? '−' : ''}${Number((size / unit).toPrecision(4))} ${name}`;
}

function signed(ns) {
  return ns > 0 ? '+' + duration(ns) : duration(ns);
}

// seconds is a moment, exact to the nanosecond where that is needed.
function seconds(ns) {
  const size = Math.abs(Math.round(ns));
  const whole = Math.floor(size / 1e9);
  const rest = String(size % 1e9).padStart(9, '0').replace(/(000)+$/, '');
  return `${ns < 0 ? '−' : ''}${whole.toLocaleString('en')}${rest ? '.' + rest : ''} s`;
}

// tick is a moment on a ruler whose marks are step apart.
function tick(ns, step) {
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / 1e9) - 1e-9)));
  return (ns / 1e9).toFixed(digits).replace('-', '−');
}

function count(n, one, many) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many || one + 's'}`;
}

// round is the smallest of 1, 2, 5, 10, … that is not less than n.
function round(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return power * [1, 2, 5, 10].find((m) => m * power >= n * 0.999999);
}
