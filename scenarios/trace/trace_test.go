package trace_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/trace"
	"kvd/wallclock"
	"pgregory.net/rapid"
)

// draw is any event.
func draw(t *rapid.T) trace.Event {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "", "a", "n1", "x"}), rapid.StringN(0, 80, -1))
	number := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64())
	return trace.Event{
		At: time.Duration(number.Draw(t, "at")), Kind: trace.Kind(rapid.Uint8().Draw(t, "kind")),
		Where: text.Draw(t, "where"), Peer: text.Draw(t, "peer"), Label: text.Draw(t, "label"), Other: text.Draw(t, "other"), Key: text.Draw(t, "key"),
		Values: rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOfN(text, 0, 3)).Draw(t, "values"),
		Dot:    logical.Dot{Origin: logical.Origin(rapid.Uint64().Draw(t, "origin")), Seq: logical.Seq(rapid.Uint64().Draw(t, "seq"))},
		Clock:  wallclock.Interval{Earliest: wallclock.Instant(number.Draw(t, "earliest")), Latest: wallclock.Instant(number.Draw(t, "latest"))},
		Dots:   rapid.OneOf(rapid.Just([]logical.Dot(nil)), rapid.SliceOfN(rapid.Custom(drawDot), 0, 3)).Draw(t, "dots"),
		Text:   text.Draw(t, "text"),
	}
}

func drawDot(t *rapid.T) logical.Dot {
	return logical.Dot{Origin: logical.Origin(rapid.Uint64Max(3).Draw(t, "origin")), Seq: logical.Seq(rapid.Uint64().Draw(t, "seq"))}
}

// TestTraceGivesBackWhatItWasGiven holds the encoding against a plain slice.
func TestTraceGivesBackWhatItWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []trace.Event
		got := new(trace.Trace)
		for range rapid.IntRange(0, 200).Draw(t, "events") {
			if len(want) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
				i, at := rapid.IntRange(0, len(want)-1).Draw(t, "which"), time.Duration(rapid.Int64().Draw(t, "until"))
				want[i].Again, want[i].Until = want[i].Again+1, at
				got.Repeat(i, at)
				continue
			}
			e := draw(t)
			want = append(want, e)
			if i := got.Add(e); i != len(want)-1 {
				t.Fatalf("event %d was told to be event %d", len(want)-1, i)
			}
		}
		all := slices.Collect(got.All())
		if !reflect.DeepEqual(all, want) || got.Len() != len(want) {
			t.Fatalf("read back\n%+v\nadded\n%+v", all, want)
		}
		if got.Hash() != trace.Of(want...).Hash() {
			t.Fatal("equal traces have different hashes")
		}
	})
}

// TestEveryFieldIsKept fails when a field is added to the event and not to its
// encoding, nor to its hash.
func TestEveryFieldIsKept(t *testing.T) {
	for i := range reflect.TypeFor[trace.Event]().NumField() {
		var e trace.Event
		f := reflect.ValueOf(&e).Elem().Field(i)
		fill(f)
		e.Again = max(e.Again, 1)
		name := reflect.TypeFor[trace.Event]().Field(i).Name
		all := slices.Collect(trace.Of(e).All())
		if len(all) != 1 || !reflect.DeepEqual(all[0], e) {
			t.Errorf("%s: read back %+v, added %+v", name, all, e)
		}
		if name != "Again" && trace.Of(e).Hash() == trace.Of(trace.Event{Again: 1}).Hash() {
			t.Errorf("%s is not in the hash", name)
		}
	}
}

// fill makes a value other than zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		if v.CanUint() {
			v.SetUint(7)
		} else {
			v.SetInt(7)
		}
	}
}
