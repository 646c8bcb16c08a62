package replay

import (
	"errors"
	"slices"
	"testing"

	"kvd/logical"
	"kvd/resolve"
)

// kept is a log in memory that reads little at a time.
type kept struct {
	ops  map[logical.Origin][]*resolve.Op
	fail error
}

func (k kept) Ops(o logical.Origin, from logical.Seq, maxOps, _ int) ([]*resolve.Op, error) {
	if k.fail != nil && from > 100 {
		return nil, k.fail
	}
	var out []*resolve.Op
	for _, op := range k.ops[o] {
		if op.Dot.Seq >= from && len(out) < min(maxOps, 7) {
			out = append(out, op)
		}
	}
	return out, nil
}

// logged is a generated history, in order and as a log.
func logged(n, keys int) ([]*resolve.Op, kept, logical.Frontier) {
	k := kept{ops: map[logical.Origin][]*resolve.Op{}}
	var all []*resolve.Op
	var upTo logical.Frontier
	for op := range generate(3, n, keys) {
		c := *op
		all = append(all, &c)
		k.ops[c.Dot.Origin] = append(k.ops[c.Dot.Origin], &c)
		upTo.Advance(c.Dot)
	}
	return all, k, upTo
}

func TestMergedIsInLamportOrder(t *testing.T) {
	all, log, upTo := logged(2000, 60)
	m := Merge(log, upTo, "")
	if got := slices.Collect(m.All()); !slices.Equal(got, all) || m.Err() != nil {
		t.Errorf("%d ops in another order, or %v", len(got), m.Err())
	}
	if got := slices.Collect(m.All()); len(got) != len(all) {
		t.Errorf("the second time there are %d ops of %d", len(got), len(all))
	}
}

func TestMergedStopsWhereItIsTold(t *testing.T) {
	all, log, _ := logged(2000, 60)
	upTo := logical.FrontierOf(logical.Dot{Origin: all[0].Dot.Origin, Seq: 5})
	if got := slices.Collect(Merge(log, upTo, "").All()); len(got) != 5 {
		t.Errorf("%d ops, want five", len(got))
	}
	for range Merge(log, upTo, "").All() {
		break
	}
}

func TestMergedTakesOneKeyOnly(t *testing.T) {
	all, log, upTo := logged(2000, 60)
	want := 0
	for _, op := range all {
		if op.Key == "key/000007" {
			want++
		}
	}
	got := slices.Collect(Merge(log, upTo, "key/000007").All())
	if len(got) != want || want == 0 {
		t.Errorf("%d ops, want %d", len(got), want)
	}
	// What is left out leaves gaps in the logs, and parents are found all the same.
	res, err := Replay(Config{Policy: resolve.Policy{Shadows: resolve.All}, Resolvers: resolve.All}, slices.Values(got))
	if err != nil || res.Beyond != 0 || res.Keys != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestMergedSaysWhatFailed(t *testing.T) {
	all, log, upTo := logged(2000, 60)
	log.fail = errors.New("the disk is gone")
	m := Merge(log, upTo, "")
	if got := slices.Collect(m.All()); len(got) == len(all) || !errors.Is(m.Err(), log.fail) {
		t.Errorf("%d ops and error %v", len(got), m.Err())
	}
}
