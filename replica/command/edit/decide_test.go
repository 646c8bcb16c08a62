package edit

import (
	"testing"

	"pgregory.net/rapid"

	"kvd/replica"
	"kvd/resolve"
	"kvd/wallclock"
)

func drawPresent(t *rapid.T) replica.Present {
	p := replica.Present{
		Now:     wallclock.Around(wallclock.Instant(rapid.Int64Range(1e18, 2e18).Draw(t, "now")), 1000),
		Expires: wallclock.Instant(rapid.SampledFrom([]int64{0, 0, 1e18, 2e18, 3e18}).Draw(t, "expires")),
	}
	for range rapid.IntRange(0, 2).Draw(t, "values") {
		p.Reading.Values = append(p.Reading.Values, []byte("old"))
	}
	return p
}

// TestPlainCommandsNeverCollapseSiblings unless they may pick, or are told to
// overwrite.
func TestPlainCommandsNeverCollapseSiblings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPresent(t)
		p.Reading.Values = append(p.Reading.Values, []byte("a"), []byte("b"))
		ttl := TTL{fromNow, rapid.Int64Range(-1e12, 1e12).Draw(t, "ttl")}
		for name, d := range map[string]Decider{
			"append": AppendTo([]byte("x"), 100, false), "getdel": TakeAway(false), "expire": Expiry{}.Decide(ttl, false),
			"persist": Persist(false), "set get": Setting{Get: true}.Decide(nil, false), "set nx": Setting{Absent: true}.Decide(nil, false),
		} {
			if w, err := d(p); err == nil && w.Verb != replica.Get {
				t.Fatalf("%s wrote %+v over siblings", name, w)
			}
		}
	})
}

// TestSetOptions against what the options mean, one by one.
func TestSetOptions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPresent(t)
		o := Setting{
			Absent: rapid.Bool().Draw(t, "nx"), keep: rapid.Bool().Draw(t, "keep"),
			TTL: TTL{TTLKind(rapid.IntRange(0, 2).Draw(t, "kind")), rapid.Int64Range(1, maxFromNow).Draw(t, "n")},
		}
		o.present = !o.Absent && rapid.Bool().Draw(t, "xx")
		there := len(p.Reading.Values) > 0
		w, err := o.Decide([]byte("new"), false)(p)
		if err != nil {
			t.Fatal(err)
		}
		if writes := !(o.Absent && there) && !(o.present && !there); writes != (w.Verb == replica.Set) {
			t.Fatalf("%+v on %d values: %+v", o, len(p.Reading.Values), w)
		}
		want := map[TTLKind]wallclock.Instant{forever: 0, fromNow: p.Now.Midpoint() + wallclock.Instant(o.TTL.n), until: wallclock.Instant(o.TTL.n)}[o.TTL.kind]
		if w.Verb == replica.Set && (w.Keep != o.keep || w.Expires != want || string(w.Value) != "new") {
			t.Fatalf("%+v gave %+v, want the deadline %d", o, w, want)
		}
	})
}

// TestExpiryWritesNoValue: only the deadline changes, or the key goes.
func TestExpiryWritesNoValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPresent(t)
		p.Reading.Values = [][]byte{[]byte("old")}
		deadline := rapid.OneOf(rapid.Int64Range(0, 3e18), rapid.Just(int64(p.Now.Midpoint())))
		ttl := TTL{until, deadline.Draw(t, "deadline")}
		w, err := Expiry{}.Decide(ttl, false)(p)
		if err != nil {
			t.Fatal(err)
		}
		if ttl.n <= int64(p.Now.Midpoint()) {
			if w.Verb != replica.Remove {
				t.Fatalf("a deadline that has passed gave %+v", w)
			}
			return
		}
		if w.Verb != replica.Touch || w.Value != nil || int64(w.Expires) != ttl.n {
			t.Fatalf("got %+v", w)
		}
	})
}

// TestScaledNeverOverflows: a lifetime that is accepted ends after now.
func TestScaledNeverOverflows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		now := wallclock.Around(wallclock.Instant(rapid.Int64Range(0, 4e18).Draw(t, "now")), 0)
		for _, unit := range []string{"EX", "PX"} {
			l, ok := scaled(n, scale(unit), false, now.Midpoint().Time().UnixMilli())
			if !ok {
				continue
			}
			if l.kind == never {
				if n < maxFromNow/int64(scale(unit)) {
					t.Fatalf("%d %s is taken for never", n, unit)
				}
				continue
			}
			if d := l.Deadline(now); n > 0 && d <= now.Midpoint() || n < 0 && d >= now.Midpoint() {
				t.Fatalf("%d %s from %d ends at %d", n, unit, now.Midpoint(), d)
			}
		}
	})
}

func TestOneValue(t *testing.T) {
	two := resolve.Reading{Values: [][]byte{[]byte("a"), []byte("b")}}
	if _, _, err := One(two, false); err == nil || err.Error() != "CONFLICT 2 siblings; use KVD.GET" {
		t.Errorf("got %v", err)
	}
	if v, there, err := One(two, true); string(v) != "a" || !there || err != nil {
		t.Errorf("got %q, %t, %v", v, there, err)
	}
}
