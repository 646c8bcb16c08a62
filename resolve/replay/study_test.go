package replay

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/resolvetest"
	"kvd/storage/codec"
	"kvd/wallclock"
)

// listed is a history in memory.
type listed struct {
	ops  []*resolve.Op
	fail error
}

func (l listed) All() iter.Seq[*resolve.Op] { return slices.Values(l.ops) }
func (l listed) Err() error                 { return l.fail }

func studied() Study {
	return Study{
		Config: Config{Policy: resolve.Policy{Default: resolve.Causal}, Resolvers: resolve.All, Differences: 5,
			Size: func(o *resolve.Object) int { return len(codec.AppendObject(nil, o)) }},
		Curve: Curve{Skews: Skews(), Draws: 4, Seed: 9},
	}
}

// inParts is a study that begins with n parts of the keys.
func inParts(t testing.TB, s Study, src Source, n uint64) *Findings {
	t.Helper()
	found := &Findings{Result: Result{listed: s.Differences}}
	for i := range n {
		p, err := s.pass(src, part{i, n})
		if err != nil {
			t.Fatal(err)
		}
		found.add(p)
	}
	return found
}

// TestPartsAddUp: whoever goes through the keys in any number of parts finds
// what one pass finds, every field of it.
func TestPartsAddUp(t *testing.T) {
	ops, _, _ := logged(6000, 150)
	for i, op := range ops {
		if op.Seen = nil; i%37 == 5 { // another leader was asked the same before
			op.Client, op.Request = 7, uint64(i/74)
		}
	}
	s := studied()
	whole, err := s.Run(listed{ops: ops})
	if err != nil {
		t.Fatal(err)
	}
	if !equal(whole, plainly(t, s, ops)) || whole.Ops != len(ops) || whole.Points[4].Most == 0 {
		t.Fatalf("%+v", whole)
	}
	for _, n := range []uint64{1, 2, 3, 7, 64, 1000} {
		if parts := inParts(t, s, listed{ops: ops}, n); !equal(parts, whole) {
			t.Errorf("in %d parts:\n%+v\nin one:\n%+v", n, parts, whole)
		}
	}
}

// plainly is a study by its two parts.
func plainly(t testing.TB, s Study, ops []*resolve.Op) *Findings {
	t.Helper()
	res, err := Replay(s.Config, slices.Values(ops))
	if err != nil {
		t.Fatal(err)
	}
	points, err := Skew(s.Curve, slices.Values(ops))
	if err != nil {
		t.Fatal(err)
	}
	return &Findings{Result: *res, Points: points}
}

func equal(a, b *Findings) bool {
	return reflect.DeepEqual(a.Result, b.Result) && reflect.DeepEqual(a.Points, b.Points)
}

// TestPartsOfPastsAddUp: several keys' pasts, retries among them, told one after
// another.
func TestPartsOfPastsAddUp(t *testing.T) {
	panel := served(resolve.Causal)
	pasts := resolvetest.Pasts(panel)
	rapid.Check(t, func(t *rapid.T) {
		var ops []*resolve.Op
		for i := range rapid.IntRange(1, 4).Draw(t, "keys") {
			for _, op := range pasts.Draw(t, fmt.Sprint("past ", i)).Ops {
				c := elsewhere(*op, i)
				ops = append(ops, &c)
			}
		}
		s := studied()
		s.Policy.Shadows = resolve.Mask(rapid.IntRange(0, int(resolve.All)).Draw(t, "shadows"))
		whole, err := s.Run(listed{ops: ops})
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.Uint64Range(2, 9).Draw(t, "parts")
		found := &Findings{Result: Result{listed: s.Differences}}
		for i := range n {
			p, err := s.pass(listed{ops: ops}, part{i, n})
			if err != nil {
				t.Fatal(err)
			}
			found.add(p)
		}
		if !equal(found, whole) {
			t.Fatalf("in %d parts:\n%+v\nin one:\n%+v", n, found, whole)
		}
	})
}

// elsewhere is the op as if on another key, accepted by other origins. Clients
// stay: they number writes to different keys alike.
func elsewhere(op resolve.Op, i int) resolve.Op {
	move := func(d logical.Dot) logical.Dot { d.Origin += logical.Origin(100 * i); return d }
	all := func(dots []logical.Dot) []logical.Dot {
		out := slices.Clone(dots)
		for j := range out {
			out[j] = move(out[j])
		}
		return out
	}
	op.Key = fmt.Sprint("key ", i)
	op.Dot, op.Parents, op.Hidden = move(op.Dot), all(op.Parents), all(op.Hidden)
	var deps logical.Frontier
	for d := range op.Deps.All() {
		deps.Advance(move(d))
	}
	op.Deps = deps
	return op
}

// TestBeginningsAreMissedInEveryPart: what was truncated is counted in all.
func TestBeginningsAreMissedInEveryPart(t *testing.T) {
	ops, _, _ := logged(3000, 50)
	ops = ops[1000:]
	s := studied()
	whole, parts := plainly(t, s, ops), inParts(t, s, listed{ops: ops}, 5)
	if !equal(parts, whole) || whole.Beyond == 0 {
		t.Errorf("in parts:\n%+v\nin one:\n%+v", parts, whole)
	}
}

// TestManyLivesOfOneKey: more origins have written a key than a mark has bits.
func TestManyLivesOfOneKey(t *testing.T) {
	var ops []*resolve.Op
	for i := range logical.Origin(41) {
		op := put(i+1, 1, wallclock.Instant(1000+i*7%41), "v")
		if i%3 == 2 {
			op.Parents = []logical.Dot{ops[i-1].Dot}
		}
		op.Lamport = logical.Lamport(i + 1)
		ops = append(ops, op)
	}
	c := Curve{Skews: []time.Duration{0, 30, 5000}, Draws: 30, Seed: 3}
	points, err := Skew(c, slices.Values(ops))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		for n, lost := range p.draws {
			if want := restamped(c, p.Skew, n, ops); lost != want {
				t.Errorf("skew %s, draw %d: %d lost, want %d", p.Skew, n, lost, want)
			}
		}
	}
}

// TestParentsOfAnotherKeyAreNone: whether they are found would depend on which
// keys are replayed together.
func TestParentsOfAnotherKeyAreNone(t *testing.T) {
	a := put(1, 1, 10, "a")
	b := put(2, 1, 20, "b", a.Dot)
	b.Key = "y"
	res, err := Replay(everything(resolve.LWW), slices.Values([]*resolve.Op{a, b}))
	if err != nil || res.Beyond != 1 || res.Keys != 2 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestLittleMemoryTakesMorePasses: and comes to the same.
func TestLittleMemoryTakesMorePasses(t *testing.T) {
	ops, _, _ := logged(20_000, 2000)
	s := studied()
	whole, err := s.Run(listed{ops: ops})
	if err != nil || whole.Passes != 1 {
		t.Fatal(whole.Passes, err)
	}
	for _, known := range []int{0, len(ops)} { // with and without knowing how many will come
		s.Ops, s.Memory = known, 1_900_000
		little, err := s.Run(listed{ops: ops})
		if err != nil {
			t.Fatal(err)
		}
		if little.Passes < 3 || !equal(little, whole) {
			t.Errorf("in %d passes:\n%+v\nin one:\n%+v", little.Passes, little, whole)
		}
		if known > 0 && little.Passes > 6 {
			t.Errorf("%d passes, though it was known how many ops there are", little.Passes)
		}
	}
}

// TestOneKeyThatDoesNotFit: more passes would not help.
func TestOneKeyThatDoesNotFit(t *testing.T) {
	ops, _, _ := logged(20_000, 3)
	for _, op := range ops {
		op.Key = "hot"
	}
	s := studied()
	s.Memory = 1 << 20
	told := 0
	if _, err := s.Run(counted{listed{ops: ops}, &told}); err == nil || !strings.Contains(err.Error(), `"hot"`) {
		t.Errorf("error %v", err)
	}
	if told > 15_000 {
		t.Errorf("it ended only after %d ops", told)
	}
}

// counted is a history that counts what it told.
type counted struct {
	Source
	told *int
}

func (c counted) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		for op := range c.Source.All() {
			if *c.told++; !yield(op) {
				return
			}
		}
	}
}

func TestStudiesSayWhatFailed(t *testing.T) {
	ops, _, _ := logged(100, 9)
	gone := errors.New("the leader is gone")
	if _, err := studied().Run(listed{ops, gone}); !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	wrong := studied()
	wrong.Memory = -1
	if _, err := wrong.Run(listed{ops: ops}); err == nil {
		t.Error("memory below zero is accepted")
	}
	wrong = studied()
	wrong.Curve.Skews = []time.Duration{-1}
	if _, err := wrong.Run(listed{ops: ops}); err == nil {
		t.Error("a skew below zero is accepted")
	}
}

// TestWhatIsHeldIsKnown: the estimate that bounds memory is near what the heap
// says, for few and many keys, small and large values.
func TestWhatIsHeldIsKnown(t *testing.T) {
	for _, c := range []struct {
		name      string
		ops, keys int
		value     int
		recorded  resolve.Mask
		resolvers resolve.Mask
	}{
		{name: "many ops of a key", ops: 200_000, keys: 3000, recorded: resolve.All, resolvers: resolve.All},
		{name: "acceptances", ops: 200_000, keys: 3000, resolvers: resolve.All},
		{name: "a key an op", ops: 100_000, keys: 1_000_000, recorded: resolve.All, resolvers: resolve.All},
		{name: "acceptances of many keys", ops: 100_000, keys: 1_000_000, resolvers: resolve.All},
		{name: "large values", ops: 30_000, keys: 20_000, value: 2000, recorded: resolve.All, resolvers: resolve.All},
		{name: "lww alone", ops: 200_000, keys: 20_000},
	} {
		s := studied()
		s.Policy = resolve.Policy{Default: resolve.LWW, Shadows: c.recorded}
		s.Resolvers = c.resolvers
		before := heap()
		r := newReplayer(s.Config)
		curve := skewed{past: r.past}
		for op := range generate(1, c.ops, c.keys) {
			if c.value > 0 {
				op.Value = make([]byte, c.value)
			}
			op.Key = strings.Clone(op.Key)
			if err := r.apply(op); err != nil {
				t.Fatal(err)
			}
			curve.note(op)
		}
		finishing := int64(r.past.entries.len())*6 + int64(len(r.past.keys))*curveKeyBytes
		held, said := int64(heap()-before)+finishing, s.held(r)
		t.Logf("%s: %d bytes, %d were said: %.0f bytes an op, %.2f", c.name, held, said, float64(held)/float64(c.ops), float64(said)/float64(held))
		if said < held*8/10 || said > held*14/10 {
			t.Errorf("%s: %d bytes are held, %d were said", c.name, held, said)
		}
		runtime.KeepAlive(r)
		runtime.KeepAlive(curve)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
